import { tensor2d } from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { assignWeights, readWeights } from '../checkpoints/checkpoint.ts'
import { buildNetwork } from '../models/build-network.ts'
import type { ModelSpec } from '../models/spec.ts'
import { createRandom } from '../random.ts'
import { crossEntropy } from '../training/cross-entropy.ts'
import { forwardBatch } from '../training/forward-batch.ts'
import { trainStep } from '../training/train-step.ts'
import { startBackend } from './start-backend.ts'

beforeAll(() => startBackend())

const common = { imageSize: 6, channels: 1, classCount: 3 } as const
test.each<ModelSpec>([
  { model: 'mlp', ...common, hiddenUnits: 8, hiddenLayers: 2 },
  { model: 'patch-mixer', ...common, patchSize: 3, width: 6, blocks: 1 },
])('the gradients of $model are the slopes of its loss', (spec) => {
  const random = createRandom(5, 'gradients')
  const network = buildNetwork(spec, random)
  const images = Float32Array.from({ length: 4 * 36 }, () => random.normal())
  const labels = [0, 2, 1, 2]
  const gradients: Float32Array[] = []
  trainStep({
    network,
    optimizer: {
      step: (given) => {
        for (const each of given) gradients.push(each.dataSync<'float32'>())
      },
    },
    images,
    labels,
    classCount: 3,
    labelSmoothing: 0.1,
    learningRate: 0,
    training: { dropout: 0, random },
  })

  const lossOf = () => crossEntropy(forwardBatch(network, images, 4), labels, 3, 0.1).lossSum / 4
  const weights = readWeights(network)
  const step = 1e-2
  for (const [index, { name, values }] of weights.entries()) {
    const at = Math.floor(values.length / 2)
    const original = values[at] ?? 0
    values[at] = original + step
    assignWeights(network, weights)
    const above = lossOf()
    values[at] = original - step
    assignWeights(network, weights)
    const below = lossOf()
    values[at] = original
    assignWeights(network, weights)
    expect(gradients[index]?.[at], name).toBeCloseTo((above - below) / (2 * step), 2)
  }
  expect(gradients.flatMap((each) => [...each]).some((value) => Math.abs(value) > 0.05)).toBe(true)
  network.dispose()
})

test('runs on WebAssembly, with numbers of 32 bits', async () => {
  const { getBackend } = await import('@tensorflow/tfjs-core')
  expect(getBackend()).toBe('wasm')
  const one = tensor2d([[0.1]])
  expect(one.dataSync()[0]).toBe(Math.fround(0.1))
  one.dispose()
})
