import { z } from 'zod'
import { CheckpointInfo } from './checkpoint.ts'

/** The one file of weights. */
export const SHARD = 'group1-shard1of1.bin'

/** `model.json`. */
export const ModelJson = z.object({
  format: z.literal('trainyard-weights'),
  weightsManifest: z.tuple([
    z.object({
      paths: z.tuple([z.string()]),
      weights: z.array(z.object({ name: z.string(), shape: z.array(z.number().int()), dtype: z.literal('float32') })),
    }),
  ]),
  userDefinedMetadata: CheckpointInfo,
})
export type ModelJson = z.infer<typeof ModelJson>
