import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@trainyard/sdk'
import { z } from 'zod'
import { type Checkpoint, CheckpointInfo } from './checkpoint.ts'

const SHARD = 'group1-shard1of1.bin'

const ModelJson = z.object({
  format: z.literal('trainyard-weights'),
  weightsManifest: z.tuple([
    z.object({
      paths: z.tuple([z.string()]),
      weights: z.array(z.object({ name: z.string(), shape: z.array(z.number().int()), dtype: z.literal('float32') })),
    }),
  ]),
  userDefinedMetadata: CheckpointInfo,
})

/**
 * Writes `model.json` and one shard of weights, as TensorFlow.js lays them out (`tf.io.loadWeights` reads them). There is
 * no topology: the metadata says which of our two models it is and how large.
 */
export async function writeWeightsManifest(dir: string, { info, weights }: Checkpoint): Promise<void> {
  const model: z.infer<typeof ModelJson> = {
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

/** Reads a folder of {@link writeWeightsManifest}. Throws a `CheckpointError`. */
export async function readWeightsManifest(dir: string): Promise<Checkpoint> {
  try {
    const model = ModelJson.parse(JSON.parse(await readFile(join(dir, 'model.json'), 'utf8')))
    const [group] = model.weightsManifest
    const data = await readFile(join(dir, SHARD))
    let offset = 0
    const weights = group.weights.map(({ name, shape }) => {
      const end = offset + shape.reduce((size, side) => size * side, 1) * 4
      if (end > data.length) throw new Error(`${SHARD} ends within "${name}"`)
      // Copied, because Buffers of small files need not be aligned to four.
      const values = new Float32Array(new Uint8Array(data.subarray(offset, end)).buffer)
      offset = end
      return { name, shape, values }
    })
    return { info: model.userDefinedMetadata, weights }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointError(`The exported model in ${dir} cannot be read: ${reason}`, { cause })
  }
}
