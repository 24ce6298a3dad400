import {
  add,
  type Rank,
  relu,
  reshape,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  transpose,
  type Variable,
} from '@tensorflow/tfjs-core'
import type { Random } from '../random.ts'
import { dense, firstDense } from '../tensors/dense.ts'
import { layerNorm } from '../tensors/layer-norm.ts'
import { meanOfRows } from '../tensors/mean-of-rows.ts'
import { dropout } from './dropout.ts'
import { type Network, WeightBuilder } from './network.ts'
import type { PatchMixerSpec } from './spec.ts'

/** Two dense layers with a normalisation before them, as a residual. */
interface Mixer {
  scale: Tensor1D
  shift: Tensor1D
  inner: Tensor2D
  innerBias: Tensor1D
  outer: Tensor2D
  outerBias: Tensor1D
}

/**
 * MLP-Mixer (Tolstikhin et al., 2021): the picture is cut into patches; dense layers look in turn across the patches of
 * one channel and across the channels of one patch. It sees in two dimensions without a convolution, for which the
 * WebAssembly backend has no gradients.
 */
export function buildPatchMixer(spec: PatchMixerSpec, random: Random): Network {
  const { imageSize, channels, patchSize, width, blocks, classCount } = spec
  const side = imageSize / patchSize
  const patches = side * side
  const builder = new WeightBuilder(random)
  const embed = builder.matrix<Variable<Rank.R2>>('embed.weight', patchSize ** 2 * channels, width, 1)
  const embedBias = builder.vector<Variable<Rank.R1>>('embed.bias', width, 0)
  const mixers = Array.from({ length: blocks }, (_, index) => ({
    tokens: buildMixer(builder, `block${index + 1}.tokens`, width, patches, patches * 2),
    channels: buildMixer(builder, `block${index + 1}.channels`, width, width, width * 2),
  }))
  const scale = builder.vector<Variable<Rank.R1>>('norm.scale', width, 1)
  const shift = builder.vector<Variable<Rank.R1>>('norm.shift', width, 0)
  const head = builder.matrix<Variable<Rank.R2>>('head.weight', width, classCount, 1)
  const headBias = builder.vector<Variable<Rank.R1>>('head.bias', classCount, 0)

  /** Rows of pixels to rows of patches. */
  const cut = (images: Tensor2D): Tensor2D => {
    const grid = reshape(images, [images.shape[0], side, patchSize, side, patchSize * channels])
    return reshape(transpose(grid, [0, 1, 3, 2, 4]), [images.shape[0] * patches, patchSize ** 2 * channels])
  }
  /** Rows are the patches of one channel instead of the channels of one patch, or back. */
  const turn = (x: Tensor2D, rows: number, columns: number): Tensor2D => {
    const batch = x.size / (rows * columns)
    const turned = transpose(reshape(x, [batch, rows, columns]) as Tensor3D, [0, 2, 1])
    return reshape(turned, [batch * columns, rows])
  }

  return {
    weights: builder.weights,
    forward(images, training) {
      let x = firstDense(cut(images), embed, embedBias)
      for (const block of mixers) {
        const across = turn(layerNorm(x, block.tokens.scale, block.tokens.shift), patches, width)
        x = add(x, turn(mix(across, block.tokens), width, patches))
        x = add(x, mix(layerNorm(x, block.channels.scale, block.channels.shift), block.channels))
      }
      const pooled = meanOfRows(layerNorm(x, scale, shift), patches)
      return dense(dropout(pooled, training), head, headBias)
    },
    dispose: () => builder.dispose(),
  }
}

function buildMixer(builder: WeightBuilder, name: string, width: number, size: number, hidden: number): Mixer {
  return {
    scale: builder.vector<Variable<Rank.R1>>(`${name}.scale`, width, 1),
    shift: builder.vector<Variable<Rank.R1>>(`${name}.shift`, width, 0),
    inner: builder.matrix<Variable<Rank.R2>>(`${name}.inner.weight`, size, hidden),
    innerBias: builder.vector<Variable<Rank.R1>>(`${name}.inner.bias`, hidden, 0),
    outer: builder.matrix<Variable<Rank.R2>>(`${name}.outer.weight`, hidden, size, 1),
    outerBias: builder.vector<Variable<Rank.R1>>(`${name}.outer.bias`, size, 0),
  }
}

function mix(x: Tensor2D, mixer: Mixer): Tensor2D {
  const inner = relu(dense(x, mixer.inner, mixer.innerBias))
  return dense(inner, mixer.outer, mixer.outerBias)
}
