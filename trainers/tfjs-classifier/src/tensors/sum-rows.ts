import { matMul, ones, reshape, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core'

/** Sum of each column. A product with a row of ones: the backend's own sum transposes first and takes longer. */
export function sumRows(x: Tensor2D): Tensor1D {
  return reshape(matMul(ones([1, x.shape[0]]) as Tensor2D, x), [x.shape[1]])
}
