import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../checkpoints/checkpoint.ts'
import { ModelJson, SHARD } from '../checkpoints/model-json.ts'

/** Reads a folder that `writeWeightsManifest` wrote. */
export async function readWeightsManifest(dir: string): Promise<Checkpoint> {
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
}
