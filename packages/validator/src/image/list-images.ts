import { findJson } from '@trainyard/platform'
import { z } from 'zod'
import type { ImageLayer } from './read-image.ts'

const Descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number().int().nonnegative(),
  platform: z.looseObject({ os: z.string().optional(), architecture: z.string().optional() }).optional(),
})
const Image = z.looseObject({ config: Descriptor, layers: z.array(Descriptor).default([]) })
const Index = z.looseObject({ manifests: z.array(Descriptor) })

/** The manifest of an image, as far as it is read here. */
type ListedManifest = z.infer<typeof Image>

/** An image that a manifest or an index names. */
export interface ListedImage {
  /** Undefined for the manifest itself. */
  digest: string | undefined
  /** As the index names it, for example `linux/arm64`. */
  platform: string | undefined
  manifest: ListedManifest
}

export interface ListedImages {
  images: ListedImage[]
  /** Digests of manifests that the index names, and that do not exist. */
  missing: string[]
}

const MAX_DEPTH = 3
const MANIFEST_LIMITS = { maxBodyBytes: 4 * 1024 * 1024, maxValues: 150_000 }
/** Attestations and signatures have layers, too, but no files that run. */
const LAYER_OF_FILES = /tar([+.](gzip|zstd))?$/

/**
 * Every image that a client could pull by a manifest: itself, or each child of an index whose layers are files, whatever
 * platform the index names for it.
 */
export async function listImages(
  json: unknown,
  findManifest: (digest: string) => Promise<Uint8Array | undefined>,
): Promise<ListedImages> {
  const found: ListedImages = { images: [], missing: [] }
  const seen = new Set<string>()
  const visit = async (content: unknown, digest: string | undefined, platform: string | undefined, depth: number) => {
    const children = Index.safeParse(content).data?.manifests
    const manifest = children === undefined ? Image.safeParse(content).data : undefined
    if (manifest !== undefined && (digest === undefined || hasFiles(manifest)))
      found.images.push({ digest, platform, manifest })
    for (const child of children ?? []) {
      if (seen.has(child.digest)) continue
      seen.add(child.digest)
      const stored = depth < MAX_DEPTH ? await findManifest(child.digest) : undefined
      const { os = 'unknown', architecture = 'unknown' } = child.platform ?? {}
      if (stored === undefined) found.missing.push(child.digest)
      else await visit(parseManifestJson(stored), child.digest, `${os}/${architecture}`, depth + 1)
    }
  }
  await visit(json, undefined, undefined, 0)
  return found
}

/** Undefined for what is not JSON, or larger or deeper than any manifest. */
export function parseManifestJson(bytes: Uint8Array): unknown {
  return findJson(bytes, MANIFEST_LIMITS)
}

/** The layers of one image, lowest first. */
export function imageLayers({ layers }: Pick<ListedManifest, 'layers'>): ImageLayer[] {
  return layers.map(({ digest, mediaType, size }) => ({ digest, mediaType, sizeBytes: size }))
}

function hasFiles({ layers }: ListedManifest): boolean {
  return layers.some(({ mediaType }) => LAYER_OF_FILES.test(mediaType))
}
