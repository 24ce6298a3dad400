import { z } from 'zod'

const texts = z.array(z.string()).nullish()

/** The parts of an image's config that are checked: https://github.com/opencontainers/image-spec/blob/main/config.md */
export const ImageConfig = z.looseObject({
  os: z.string().optional(),
  architecture: z.string().optional(),
  config: z
    .looseObject({
      User: z.string().nullish(),
      Env: texts,
      Entrypoint: texts,
      Cmd: texts,
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .nullish(),
  rootfs: z.looseObject({ diff_ids: texts }).nullish(),
  history: z
    .array(
      z.looseObject({ created_by: z.string().nullish(), comment: z.string().nullish(), author: z.string().nullish() }),
    )
    .nullish(),
})
export type ImageConfig = z.infer<typeof ImageConfig>
