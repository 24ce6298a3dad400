import { type Tensor, tensor, type Variable } from '@tensorflow/tfjs-core'

/** Moves weights against their gradients. */
export interface Optimizer {
  /** `gradients` in the order of the weights; they are not disposed of. */
  step(gradients: readonly Tensor[], learningRate: number): void
}

export interface OptimizerOptions {
  /** Share of itself that a weight matrix loses a step, times the learning rate (decoupled, as in AdamW). */
  weightDecay: number
  /** How much of the last step goes on; sgd only. */
  momentum: number
}

/** One weight's numbers, kept beside the tensor. */
interface Slot {
  weight: Variable
  values: Float32Array
  first: Float32Array
  second: Float32Array
  decay: number
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/**
 * Adam with decoupled weight decay, or SGD with momentum. One loop over plain arrays instead of the library's twelve
 * kernels a weight: half the time, no temporary tensors.
 */
export function createOptimizer(
  name: 'adam' | 'sgd',
  weights: readonly Variable[],
  { weightDecay, momentum }: OptimizerOptions,
): Optimizer {
  const slots = weights.map((weight): Slot => {
    const values = weight.dataSync<'float32'>()
    return {
      weight,
      values,
      first: new Float32Array(values.length),
      second: new Float32Array(name === 'adam' ? values.length : 0),
      // Biases and scales are left alone: pulling them to 0 regularises nothing.
      decay: weight.rank > 1 ? weightDecay : 0,
    }
  })
  let steps = 0
  return {
    step(gradients, learningRate) {
      steps++
      for (const [index, slot] of slots.entries()) {
        const gradient = gradients[index]?.dataSync<'float32'>()
        if (gradient === undefined) throw new RangeError(`no gradient for weight ${index}`)
        if (name === 'adam') adam(slot, gradient, learningRate, steps)
        else sgd(slot, gradient, learningRate, momentum)
        const next = tensor(slot.values, slot.weight.shape)
        slot.weight.assign(next)
        next.dispose()
      }
    },
  }
}

function adam({ values, first, second, decay }: Slot, gradient: Float32Array, rate: number, steps: number): void {
  // Both bias corrections, taken out of the loop.
  const correction2 = Math.sqrt(1 - BETA2 ** steps)
  const stride = (rate * correction2) / (1 - BETA1 ** steps)
  const epsilon = EPSILON * correction2
  const keep = 1 - rate * decay
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i] as number
    const m = BETA1 * (first[i] as number) + (1 - BETA1) * g
    const v = BETA2 * (second[i] as number) + (1 - BETA2) * g * g
    first[i] = m
    second[i] = v
    values[i] = (values[i] as number) * keep - (stride * m) / (Math.sqrt(v) + epsilon)
  }
}

function sgd({ values, first, decay }: Slot, gradient: Float32Array, rate: number, momentum: number): void {
  const keep = 1 - rate * decay
  for (let i = 0; i < values.length; i++) {
    const m = momentum * (first[i] ?? 0) + (gradient[i] ?? 0)
    first[i] = m
    values[i] = (values[i] ?? 0) * keep - rate * m
  }
}
