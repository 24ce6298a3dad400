import { type Tensor2D, tensor, type Variable, variable } from '@tensorflow/tfjs-core'
import type { Random } from '../random.ts'

/** What training adds to a forward pass. */
export interface TrainingPass {
  /** Share of a hidden layer's outputs that are set to 0. */
  dropout: number
  random: Random
}

/** A model with its weights. */
export interface Network {
  /** By name, in the order in which they were made. */
  readonly weights: ReadonlyMap<string, Variable>
  /**
   * Images to logits: rows of `imageSize² × channels` normalised pixels in, rows of one number a class out. With
   * `training`, dropout is applied.
   */
  forward(images: Tensor2D, training?: TrainingPass): Tensor2D
  dispose(): void
}

/** Makes the variables of a network. */
export class WeightBuilder {
  readonly weights = new Map<string, Variable>()
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  /** Normal with the variance that keeps a ReLU network's signal at one size (He et al., 2015). */
  matrix<V extends Variable>(name: string, inputs: number, outputs: number, gain = 2): V {
    const scale = Math.sqrt(gain / inputs)
    const values = Float32Array.from({ length: inputs * outputs }, () => this.random.normal() * scale)
    return this.register(name, values, [inputs, outputs])
  }

  vector<V extends Variable>(name: string, length: number, value: number): V {
    return this.register(name, new Float32Array(length).fill(value), [length])
  }

  private register<V extends Variable>(name: string, values: Float32Array, shape: number[]): V {
    const initial = tensor(values, shape)
    const made = variable(initial)
    initial.dispose()
    this.weights.set(name, made)
    return made as V
  }

  dispose(): void {
    for (const weight of this.weights.values()) weight.dispose()
  }
}
