import type { RegistryContext } from '../context.ts'
import { ImageIndex, ImageManifest } from '../oci/parse-manifest.ts'
import { parseJson } from './prepare-bundle.ts'
import type { ImageLayer } from './read-image.ts'

/** An image that a pushed manifest holds. */
export interface PartImage {
  /** Undefined for the pushed manifest itself. */
  digest: string | undefined
  /** As the index names it, for example `linux/arm64`. */
  platform: string | undefined
  manifest: ImageManifest
}

export interface PartImages {
  images: PartImage[]
  /** Digests of manifests that the index names, and that were not pushed. */
  missing: string[]
}

const MAX_DEPTH = 3
/** Attestations and signatures have layers, too, but no files that run. */
const LAYER_OF_FILES = /tar([+.](gzip|zstd))?$/

/**
 * Every image that a client could pull by the pushed manifest: itself, or each child of an index whose layers are files,
 * whatever platform the index names for it.
 */
export async function imagesOf(context: RegistryContext, repositoryId: number, json: unknown): Promise<PartImages> {
  const found: PartImages = { images: [], missing: [] }
  const seen = new Set<string>()
  const visit = async (content: unknown, digest: string | undefined, platform: string | undefined, depth: number) => {
    const children = ImageIndex.safeParse(content).data?.manifests
    const manifest = children === undefined ? ImageManifest.safeParse(content).data : undefined
    if (manifest !== undefined && (digest === undefined || hasFiles(manifest)))
      found.images.push({ digest, platform, manifest })
    for (const child of children ?? []) {
      if (seen.has(child.digest)) continue
      seen.add(child.digest)
      const stored = depth < MAX_DEPTH ? await findManifest(context, repositoryId, child.digest) : undefined
      const { os = 'unknown', architecture = 'unknown' } = child.platform ?? {}
      if (stored === undefined) found.missing.push(child.digest)
      else await visit(parseJson(stored), child.digest, `${os}/${architecture}`, depth + 1)
    }
  }
  await visit(json, undefined, undefined, 0)
  return found
}

/** The layers of several images, each once. */
export function layersOf(images: readonly PartImage[]): ImageLayer[] {
  const layers = new Map<string, ImageLayer>()
  for (const { manifest } of images)
    for (const layer of imageLayers(manifest)) layers.set(`${layer.digest} ${layer.mediaType}`, layer)
  return [...layers.values()]
}

/** The layers of one image, lowest first. */
export function imageLayers({ layers }: ImageManifest): ImageLayer[] {
  return layers.map(({ digest, mediaType, size }) => ({ digest, mediaType, sizeBytes: size }))
}

function hasFiles({ layers }: ImageManifest): boolean {
  return layers.some(({ mediaType }) => LAYER_OF_FILES.test(mediaType))
}

async function findManifest(
  { database }: RegistryContext,
  repositoryId: number,
  digest: string,
): Promise<Uint8Array | undefined> {
  const row = await database.db
    .selectFrom('manifests')
    .select('content')
    .where('repository_id', '=', repositoryId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row?.content
}
