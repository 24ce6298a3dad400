import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointError } from '@trainyard/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildNetwork } from '../models/build-network.ts'
import type { ModelSpec } from '../models/spec.ts'
import { createRandom } from '../random.ts'
import { startBackend } from '../tensors/start-backend.ts'
import { readWeightsManifest } from '../testing/read-weights-manifest.ts'
import { forwardBatch } from '../training/forward-batch.ts'
import {
  assignWeights,
  type Checkpoint,
  loadCheckpoint,
  readWeights,
  restoreNetwork,
  saveCheckpoint,
} from './checkpoint.ts'
import { writeWeightsManifest } from './weights-manifest.ts'

let dir: string
beforeAll(async () => {
  await startBackend()
  dir = await mkdtemp(join(tmpdir(), 'trainyard-checkpoint-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const common = { imageSize: 8, channels: 1, classCount: 3 } as const
const specs: ModelSpec[] = [
  { model: 'mlp', ...common, hiddenUnits: 5, hiddenLayers: 1 },
  { model: 'patch-mixer', ...common, patchSize: 4, width: 6, blocks: 1 },
]

/** A checkpoint of random weights, and what its network answers to a picture. */
function example(spec: ModelSpec): { checkpoint: Checkpoint; answer: Float32Array } {
  const network = buildNetwork(spec, createRandom(9, 'weights'))
  const checkpoint: Checkpoint = {
    info: {
      formatVersion: 1,
      spec,
      classes: ['ä', 'b', '"c"'],
      normalization: { mean: [0.1], std: [0.3] },
      seed: 9,
      epoch: 4,
      metrics: { top1_accuracy: 0.5 },
    },
    weights: readWeights(network),
  }
  const answer = forwardBatch(network, picture, 1)
  network.dispose()
  return { checkpoint, answer }
}
const picture = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i))

test.each(specs)('a saved $model answers as it did before', async (spec) => {
  const { checkpoint, answer } = example(spec)
  const file = join(dir, `${spec.model}.safetensors`)
  await saveCheckpoint(file, checkpoint)
  const loaded = await loadCheckpoint(file)
  expect(loaded).toEqual(checkpoint)
  const network = restoreNetwork(loaded)
  expect(forwardBatch(network, picture, 1)).toEqual(answer)
  network.dispose()
})

test.each(specs)('an exported $model answers as it did before', async (spec) => {
  const { checkpoint, answer } = example(spec)
  await writeWeightsManifest(dir, checkpoint)
  const loaded = await readWeightsManifest(dir)
  expect(loaded).toEqual(checkpoint)
  const network = restoreNetwork(loaded)
  expect(forwardBatch(network, picture, 1)).toEqual(answer)
  network.dispose()
})

test('refuses weights of another shape, and says which', () => {
  const [mlp] = specs
  if (mlp?.model !== 'mlp') throw new Error('the first spec is an mlp')
  const wider = buildNetwork({ ...mlp, hiddenUnits: 6 }, createRandom(1, 'weights'))
  expect(() => assignWeights(wider, example(mlp).checkpoint.weights)).toThrow(
    'The checkpoint\'s "hidden1.weight" is [64,5], the model\'s is [64,6]',
  )
  expect(() => assignWeights(wider, [])).toThrow('The checkpoint has no weight "hidden1.weight"')
  wider.dispose()
})

test('refuses a file that is cut short, foreign or missing', async () => {
  const whole = join(dir, 'whole.safetensors')
  await saveCheckpoint(whole, example(specs[0] as ModelSpec).checkpoint)
  const bytes = await readFile(whole)
  const broken = join(dir, 'broken.safetensors')
  for (const part of [
    bytes.subarray(0, bytes.length - 4),
    bytes.subarray(0, 5),
    Buffer.from('{"not":"a checkpoint"}'),
  ]) {
    await writeFile(broken, part)
    await expect(loadCheckpoint(broken)).rejects.toThrow(CheckpointError)
  }
  await expect(loadCheckpoint(join(dir, 'nothing'))).rejects.toThrow(/cannot be read/)
})
