import {
  customGrad,
  dispose,
  mul,
  type Scalar,
  scalar,
  type Tensor,
  type Tensor2D,
  tensor2d,
  variableGrads,
} from '@tensorflow/tfjs-core'
import type { Network, TrainingPass } from '../models/network.ts'
import { type CrossEntropy, crossEntropy } from './cross-entropy.ts'
import type { Optimizer } from './optimizers.ts'

export interface TrainStepOptions {
  network: Network
  optimizer: Optimizer
  /** Rows of normalised pixels. */
  images: Float32Array
  labels: ArrayLike<number>
  classCount: number
  labelSmoothing: number
  learningRate: number
  training: TrainingPass
}

/** One step of gradient descent on one batch. Leaves no tensor behind. */
export function trainStep(options: TrainStepOptions): CrossEntropy {
  const { network, labels } = options
  const weights = [...network.weights.values()]
  const images = tensor2d(options.images, [labels.length, options.images.length / labels.length])
  let result: CrossEntropy | undefined
  const loss = customGrad((...args) => {
    const logits = args[0] as Tensor2D
    const computed = crossEntropy(logits.dataSync<'float32'>(), labels, options.classCount, options.labelSmoothing)
    result = computed
    return {
      value: scalar(computed.lossSum / labels.length) as Tensor,
      gradFunc: (dy: Tensor) => mul(tensor2d(computed.gradient, logits.shape), dy),
    }
  })
  const { value, grads } = variableGrads(() => loss(network.forward(images, options.training)) as Scalar, weights)
  const gradients = weights.map((weight) => {
    const gradient = grads[weight.name]
    if (gradient === undefined) throw new RangeError(`weight ${weight.name} took no part in the forward pass`)
    return gradient
  })
  options.optimizer.step(gradients, options.learningRate)
  dispose([images, value, ...gradients])
  if (result === undefined) throw new RangeError('the loss was not computed')
  return result
}
