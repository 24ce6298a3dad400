import { type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core'
import type { Network } from '../models/network.ts'

/** Logits of a batch of normalised pictures, one row an image. Leaves no tensor behind. */
export function forwardBatch(network: Network, images: Float32Array, count: number): Float32Array {
  return tidy(() => {
    const input: Tensor2D = tensor2d(images, [count, images.length / count])
    return network.forward(input).dataSync<'float32'>()
  })
}
