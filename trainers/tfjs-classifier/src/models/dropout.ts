import { mul, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core'
import type { TrainingPass } from './network.ts'

/** Sets a random share of `x` to 0 and scales the rest up, so that the sum stays. Seeded, unlike the library's. */
export function dropout(x: Tensor2D, training: TrainingPass | undefined): Tensor2D {
  if (training === undefined || training.dropout === 0) return x
  const keep = 1 - training.dropout
  const mask = new Float32Array(x.size)
  for (let i = 0; i < mask.length; i++) mask[i] = training.random.next() < keep ? 1 / keep : 0
  return mul(x, tensor2d(mask, x.shape))
}
