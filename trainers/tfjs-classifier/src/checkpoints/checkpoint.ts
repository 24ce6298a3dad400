import { readFile, writeFile } from 'node:fs/promises'
import { tensor } from '@tensorflow/tfjs-core'
import { CheckpointError } from '@trainyard/sdk'
import { z } from 'zod'
import { Normalization } from '../data/normalization.ts'
import { buildNetwork } from '../models/build-network.ts'
import type { Network } from '../models/network.ts'
import { ModelSpec } from '../models/spec.ts'
import { createRandom } from '../random.ts'
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from './safetensors.ts'

const FORMAT = 'trainyard/tfjs-classifier'

/** What a checkpoint says about itself. */
export const CheckpointInfo = z.object({
  formatVersion: z.literal(1),
  spec: ModelSpec,
  /** Class names, in the order of the outputs. */
  classes: z.array(z.string()),
  normalization: Normalization,
  seed: z.number().int(),
  epoch: z.number().int().nonnegative(),
  metrics: z.record(z.string(), z.number()),
})
export type CheckpointInfo = z.infer<typeof CheckpointInfo>

export interface Checkpoint {
  info: CheckpointInfo
  weights: NamedTensor[]
}

/** Copies a network's weights. */
export function readWeights(network: Network): NamedTensor[] {
  return Array.from(network.weights, ([name, weight]) => ({
    name,
    shape: weight.shape,
    values: weight.dataSync<'float32'>(),
  }))
}

/** Puts weights into a network of the same shape. Throws a `CheckpointError` when they do not fit. */
export function assignWeights(network: Network, weights: readonly NamedTensor[]): void {
  const byName = new Map(weights.map((each) => [each.name, each]))
  for (const [name, variable] of network.weights) {
    const given = byName.get(name)
    if (given === undefined) throw new CheckpointError(`The checkpoint has no weight "${name}"`)
    if (given.shape.join() !== variable.shape.join()) {
      throw new CheckpointError(`The checkpoint's "${name}" is [${given.shape}], the model's is [${variable.shape}]`)
    }
    const values = tensor(given.values, given.shape)
    variable.assign(values)
    values.dispose()
  }
}

/** The network that a checkpoint holds. The backend must be running. */
export function restoreNetwork({ info, weights }: Checkpoint): Network {
  const network = buildNetwork(info.spec, createRandom(info.seed, 'weights'))
  assignWeights(network, weights)
  return network
}

/** One safetensors file: the weights, and in its metadata everything that is needed to use them. */
export async function saveCheckpoint(file: string, { info, weights }: Checkpoint): Promise<void> {
  await writeFile(
    file,
    encodeSafetensors({ tensors: weights, metadata: { format: FORMAT, info: JSON.stringify(info) } }),
  )
}

/** Reads a file of {@link saveCheckpoint}. Throws a `CheckpointError`. */
export async function loadCheckpoint(file: string): Promise<Checkpoint> {
  try {
    const { tensors, metadata } = decodeSafetensors(await readFile(file))
    if (metadata.format !== FORMAT) throw new Error(`its format is "${metadata.format ?? ''}", not "${FORMAT}"`)
    return { info: CheckpointInfo.parse(JSON.parse(metadata.info ?? '')), weights: tensors }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointError(`The checkpoint cannot be read: ${reason}`, { cause })
  }
}
