import type { Rank } from '@tensorflow/tfjs-core'
import { relu, type Variable } from '@tensorflow/tfjs-core'
import type { Random } from '../random.ts'
import { dense, firstDense } from '../tensors/dense.ts'
import { dropout } from './dropout.ts'
import { type Network, WeightBuilder } from './network.ts'
import type { MlpSpec } from './spec.ts'

interface Layer {
  weights: Variable<Rank.R2>
  bias: Variable<Rank.R1>
}

/** Fully connected layers with ReLU between them. */
export function buildMlp(spec: MlpSpec, random: Random): Network {
  const builder = new WeightBuilder(random)
  const widths = [spec.imageSize ** 2 * spec.channels, ...Array<number>(spec.hiddenLayers).fill(spec.hiddenUnits)]
  const hidden = widths.slice(1).map((width, index): Layer => {
    const inputs = widths[index] ?? width
    return {
      weights: builder.matrix(`hidden${index + 1}.weight`, inputs, width),
      bias: builder.vector(`hidden${index + 1}.bias`, width, 0),
    }
  })
  const head: Layer = {
    weights: builder.matrix('head.weight', spec.hiddenUnits, spec.classCount, 1),
    bias: builder.vector('head.bias', spec.classCount, 0),
  }
  return {
    weights: builder.weights,
    forward(images, training) {
      let x = images
      for (const [index, layer] of hidden.entries()) {
        const apply = index === 0 ? firstDense : dense
        x = dropout(relu(apply(x, layer.weights, layer.bias)), training)
      }
      return dense(x, head.weights, head.bias)
    },
    dispose: () => builder.dispose(),
  }
}
