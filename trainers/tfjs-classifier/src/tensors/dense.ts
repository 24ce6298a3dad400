import { add, customGrad, matMul, type Tensor, type Tensor1D, type Tensor2D, transpose } from '@tensorflow/tfjs-core'
import { sumRows } from './sum-rows.ts'

/**
 * `x · weights + bias`, with a gradient of its own.
 *
 * The library's gradient multiplies by flagged transposes, for which the WebAssembly kernel falls back to plain loops
 * (18 ms where this takes 2 ms, 64×784×256). Transposing first keeps the fast kernel; so does summing by a row of ones.
 */
export function dense(x: Tensor2D, weights: Tensor2D, bias: Tensor1D): Tensor2D {
  return operation(x, weights, bias) as Tensor2D
}

/** The same for a layer whose input is data: the gradient with respect to the picture is not needed. */
export function firstDense(x: Tensor2D, weights: Tensor2D, bias: Tensor1D): Tensor2D {
  const first = customGrad((...args) => {
    const [w, b, save] = args as unknown as [Tensor2D, Tensor1D, (tensors: Tensor[]) => void]
    save([x])
    return {
      value: add(matMul(x, w), b) as Tensor,
      gradFunc: (dy: Tensor, saved: Tensor[]) => [
        weightsGradient(saved[0] as Tensor2D, dy as Tensor2D),
        sumRows(dy as Tensor2D),
      ],
    }
  })
  return first(weights, bias) as Tensor2D
}

const operation = customGrad((...args) => {
  const [x, w, b, save] = args as unknown as [Tensor2D, Tensor2D, Tensor1D, (tensors: Tensor[]) => void]
  save([x, w])
  return {
    value: add(matMul(x, w), b) as Tensor,
    gradFunc: (dy: Tensor, saved: Tensor[]) => {
      const [savedX, savedW] = saved as [Tensor2D, Tensor2D]
      const dy2 = dy as Tensor2D
      return [matMul(dy2, transpose(savedW)), weightsGradient(savedX, dy2), sumRows(dy2)]
    },
  }
})

function weightsGradient(x: Tensor2D, dy: Tensor2D): Tensor2D {
  return matMul(transpose(x), dy)
}
