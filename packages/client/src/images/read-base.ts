import { z } from 'zod'
import { BaseImageError } from '../errors.ts'
import { digestOf } from '../publish/digest-of.ts'
import { parseJson } from '../publish/oci.ts'
import type { BlobCache } from './blob-cache.ts'
import { type BaseImage, ImageConfig, type LayerFile } from './image.ts'

/** Where the parts of an image come from. */
export interface BlobSource {
  /** The bytes of its manifest, or of an index of manifests. */
  root: Buffer
  isFromRegistry: boolean
  manifest(digest: string): Promise<Buffer>
  blob(digest: string): Promise<AsyncIterable<Uint8Array>>
}

export interface ReadBaseOptions {
  name: string
  /** The architecture to take of an image for several, such as `amd64`. */
  architecture: string
  cache: BlobCache
  onLayer?: ((layer: { digest: string; sizeBytes: number }) => void) | undefined
}

const Descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number().int().nonnegative(),
  platform: z.looseObject({ os: z.string(), architecture: z.string() }).optional(),
})
const Manifest = z.looseObject({ config: Descriptor, layers: z.array(Descriptor) })
const Index = z.looseObject({ manifests: z.array(Descriptor).min(1) })
const LAYER_TYPES: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
}

/** Reads an image by its manifest, and gets its layers. Throws {@link BaseImageError}. */
export async function readBase(source: BlobSource, options: ReadBaseOptions): Promise<BaseImage> {
  const { name, cache, onLayer } = options
  const root = await pickManifest(source, options)
  const manifest = Manifest.safeParse(parseJson(root)).data
  if (manifest === undefined)
    throw new BaseImageError(`${name} is not an image: its manifest names no config or layers`)
  const configBytes = await collect(await source.blob(manifest.config.digest))
  if (digestOf(configBytes) !== manifest.config.digest)
    throw new BaseImageError(`the config of ${name} does not have the digest that its manifest names`)
  const config = parseConfig(configBytes, name)
  const layers: LayerFile[] = []
  for (const [index, { mediaType, digest, size }] of manifest.layers.entries()) {
    onLayer?.({ digest, sizeBytes: size })
    const file = await cache.get(digest, () => source.blob(digest))
    const diffId = config.rootfs.diff_ids[index]
    if (diffId === undefined)
      throw new BaseImageError(
        `the config of ${name} names ${config.rootfs.diff_ids.length} layers, its manifest ${manifest.layers.length}`,
      )
    layers.push({ mediaType: LAYER_TYPES[mediaType] ?? mediaType, digest, sizeBytes: size, diffId, file })
  }
  return { name, digest: source.isFromRegistry ? digestOf(root) : undefined, config, layers }
}

export function parseConfig(bytes: Uint8Array, name: string): ImageConfig {
  const parsed = ImageConfig.safeParse(parseJson(bytes))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BaseImageError(`the config of ${name} is not valid: ${issue?.path.join('.')}: ${issue?.message}`)
}

async function pickManifest(source: BlobSource, { name, architecture }: ReadBaseOptions): Promise<Buffer> {
  let root = source.root
  // An index can name another index.
  for (let depth = 0; depth < 3; depth++) {
    const index = Index.safeParse(parseJson(root)).data
    if (index === undefined) return root
    const [only, ...others] = index.manifests
    const wanted = `linux/${architecture}`
    const platformOf = ({ platform }: z.infer<typeof Descriptor>) => `${platform?.os}/${platform?.architecture}`
    const found = index.manifests.find((one) => platformOf(one) === wanted) ?? (others.length === 0 ? only : undefined)
    if (found === undefined) {
      const existing = index.manifests.map(platformOf).filter((text) => !/un(?:known|defined)/.test(text))
      throw new BaseImageError(`${name} has no image for ${wanted}, only for ${existing.join(', ')}`)
    }
    root = await source.manifest(found.digest)
    if (digestOf(root) !== found.digest)
      throw new BaseImageError(`a manifest of ${name} does not have the digest ${found.digest} that its index names`)
  }
  return root
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
