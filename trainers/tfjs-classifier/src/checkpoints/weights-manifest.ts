import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from './checkpoint.ts'
import { type ModelJson, SHARD } from './model-json.ts'

/**
 * Writes `model.json` and one shard of weights, as TensorFlow.js lays them out (`tf.io.loadWeights` reads them). There is
 * no topology: the metadata says which of our two models it is and how large.
 */
export async function writeWeightsManifest(dir: string, { info, weights }: Checkpoint): Promise<void> {
  const model: ModelJson = {
    format: 'trainyard-weights',
    weightsManifest: [
      { paths: [SHARD], weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })) },
    ],
    userDefinedMetadata: info,
  }
  const data = Buffer.concat(
    weights.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  )
  await writeFile(join(dir, 'model.json'), `${JSON.stringify(model, null, 2)}\n`)
  await writeFile(join(dir, SHARD), data)
}
