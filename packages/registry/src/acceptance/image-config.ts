import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { readLimited } from '../oci/bodies.ts'
import { blobKey } from '../oci/names.ts'
import type { ImageManifest } from '../oci/parse-manifest.ts'
import { parseJson } from './prepare-bundle.ts'

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

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** The config of an image; undefined when it is not JSON of this form, or larger than 4 MiB. */
export async function readImageConfig(
  { store }: RegistryContext,
  { config }: ImageManifest,
): Promise<ImageConfig | undefined> {
  const bytes = await readLimited((await store.get(blobKey(config.digest))).body, MAX_CONFIG_BYTES)
  return ImageConfig.safeParse(parseJson(bytes ?? Buffer.alloc(0))).data
}
