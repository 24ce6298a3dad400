import { z } from 'zod'

const positive = z.number().int().positive()
const common = {
  /** Side of the square input, in pixels. */
  imageSize: positive,
  /** 1 grey, 3 red-green-blue. */
  channels: z.union([z.literal(1), z.literal(3)]),
  classCount: positive,
}

/** Everything that decides the shape of a network: with it and the weights, a model can be built again. */
export const ModelSpec = z.discriminatedUnion('model', [
  z.object({ model: z.literal('mlp'), ...common, hiddenUnits: positive, hiddenLayers: positive }),
  z.object({ model: z.literal('patch-mixer'), ...common, patchSize: positive, width: positive, blocks: positive }),
])
export type ModelSpec = z.infer<typeof ModelSpec>
export type MlpSpec = Extract<ModelSpec, { model: 'mlp' }>
export type PatchMixerSpec = Extract<ModelSpec, { model: 'patch-mixer' }>
