import { ImageConfig } from '@trainyard/validator/image'
import type { RegistryContext } from '../context.ts'
import { readLimited } from '../oci/bodies.ts'
import { blobKey } from '../oci/names.ts'
import { parseJson } from './prepare-bundle.ts'

const MAX_CONFIG_BYTES = 4 * 1024 * 1024

/** The config of an image; undefined when it is not JSON of this form, or larger than 4 MiB. */
export async function readImageConfig(
  { store }: RegistryContext,
  { config }: { config: { digest: string } },
): Promise<ImageConfig | undefined> {
  const bytes = await readLimited((await store.get(blobKey(config.digest))).body, MAX_CONFIG_BYTES)
  return ImageConfig.safeParse(parseJson(bytes ?? Buffer.alloc(0))).data
}
