import {
  add,
  customGrad,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core'
import { sumRows } from './sum-rows.ts'

const EPSILON = 1e-5

/** Normalises each row to mean 0 and variance 1, then scales and shifts it. */
export function layerNorm(x: Tensor2D, scale: Tensor1D, shift: Tensor1D): Tensor2D {
  return operation(x, scale, shift) as Tensor2D
}

const operation = customGrad((...args) => {
  const [x, scale, shift, save] = args as unknown as [Tensor2D, Tensor1D, Tensor1D, (tensors: Tensor[]) => void]
  const centred = sub(x, mean(x, -1, true))
  const inverseStd = rsqrt(add(mean(square(centred), -1, true), EPSILON))
  const normal = mul(centred, inverseStd)
  save([normal, inverseStd, scale])
  return {
    value: add(mul(normal, scale), shift) as Tensor,
    gradFunc: (dy: Tensor, saved: Tensor[]) => {
      const [savedNormal, savedInverseStd, savedScale] = saved as [Tensor2D, Tensor2D, Tensor1D]
      const dyNormal = mul(dy, savedScale)
      const centredGradient = sub(dyNormal, mean(dyNormal, -1, true))
      const alongNormal = mul(savedNormal, mean(mul(dyNormal, savedNormal), -1, true))
      return [
        mul(savedInverseStd, sub(centredGradient, alongNormal)),
        sumRows(mul(dy, savedNormal) as Tensor2D),
        sumRows(dy as Tensor2D),
      ]
    },
  }
})
