import { z } from 'zod'

/** Points are checked when they are used, so that an invalid point costs its shape and not the file. */
export const LabelMeShape = z.looseObject({
  /** Some tools write a number. */
  label: z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]),
  points: z.array(z.array(z.unknown())).default([]),
  shape_type: z
    .string()
    .nullish()
    .transform((type) => type ?? 'polygon'),
  group_id: z.union([z.number(), z.string()]).nullish(),
  flags: z.record(z.string(), z.unknown()).nullish(),
  description: z.string().nullish(),
  mask: z.string().nullish(),
})
export type LabelMeShape = z.infer<typeof LabelMeShape>

const Side = z
  .preprocess((side) => (typeof side === 'string' && side.trim() !== '' ? Number(side) : side), z.number())
  .pipe(z.number().nonnegative().max(1_000_000).transform(Math.round))
  .nullish()

export const LabelMeFile = z.looseObject({
  shapes: z.array(LabelMeShape),
  flags: z.record(z.string(), z.boolean()).nullish(),
  imagePath: z.string().nullish(),
  imageData: z.unknown().optional(),
  imageHeight: Side,
  imageWidth: Side,
})
export type LabelMeFile = z.infer<typeof LabelMeFile>

/** `keypoints.json`, a file of ours: LabelMe cannot hold the order of keypoints. */
export const LabelMeKeypoints = z.record(
  z.string(),
  z.object({
    keypoints: z.array(z.string()),
    skeleton: z.array(z.tuple([z.number().int(), z.number().int()])).optional(),
  }),
)
export type KeypointNames = ReadonlyMap<string, { keypoints: string[]; skeleton?: [number, number][] | undefined }>
