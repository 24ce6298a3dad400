import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { decompress, packingOf, readTar } from '@trainyard/platform'
import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { parseManifestJson } from '../image/list-images.ts'
import type { ImageStore } from './image-store.ts'
import { readStored, type Scratch, type StoredFile, streamStored } from './scratch.ts'

/** What an archive turned out to hold. */
export type ArchiveContent = { readonly kind: 'image'; readonly store: ImageStore } | { readonly kind: 'bundle' }

const MAX_ENTRIES = 20_000
const MAX_LINKS = 8
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
const EXPECTED =
  'expected the folder that contains trainer.json, its bundle, the output of "docker save", or an OCI layout'
const PLAIN_LAYER = 'application/vnd.oci.image.layer.v1.tar'

const OciIndex = z.looseObject({ manifests: z.array(z.looseObject({ digest: z.string() })) })
/** `manifest.json` of `docker save`. */
const Saved = z.array(z.looseObject({ Config: z.string(), Layers: z.array(z.string()) })).min(1)

/** Reads an archive of `docker save`, of `podman save`, or of an OCI layout; or finds out that it is a trainer's bundle. */
export async function readImageArchive(file: string, scratch: Scratch, signal?: AbortSignal): Promise<ArchiveContent> {
  return await readArchiveStream(createReadStream(file), `the file "${file}"`, scratch, signal)
}

export async function readArchiveStream(
  body: AsyncIterable<Uint8Array>,
  shown: string,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<ArchiveContent> {
  const files = new Map<string, StoredFile>()
  const links = new Map<string, string>()
  try {
    for await (const entry of readTar(decompress(body))) {
      signal?.throwIfAborted()
      if (files.size + links.size >= MAX_ENTRIES) throw new UsageError(`more than ${MAX_ENTRIES} entries`)
      const name = posix.normalize(entry.name.replace(/^\/+/, ''))
      if (entry.type === 'file') files.set(name, await scratch.store(entry.stream()))
      else if (entry.type === 'symlink') links.set(name, posix.join(posix.dirname(name), entry.linkName))
      else if (entry.type === 'hardlink') links.set(name, posix.normalize(entry.linkName))
    }
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${shown} cannot be read as an archive (${reason}); ${EXPECTED}`)
  }
  const find = (name: string): StoredFile | undefined => {
    let at = posix.normalize(name)
    for (let followed = 0; followed < MAX_LINKS && links.has(at); followed++) at = links.get(at) ?? at
    return files.get(at)
  }
  // A trainer can have files with the names of an image, but an image has no trainer.json beside them.
  if (files.has('trainer.json')) return { kind: 'bundle' }
  const root = (await readOciRoot(find)) ?? (await readSavedRoot(find))
  if (root === undefined) throw new UsageError(`${shown} is not a trainer and not an image; ${EXPECTED}`)
  const byDigest = new Map([...files.values()].map((stored) => [stored.digest, stored]))
  return { kind: 'image', store: { root, find: async (digest) => await Promise.resolve(byDigest.get(digest)) } }
}

type Find = (name: string) => StoredFile | undefined

async function readJson(stored: StoredFile | undefined): Promise<unknown> {
  const bytes = stored && (await readStored(stored))
  return bytes === undefined ? undefined : parseManifestJson(bytes)
}

/** The only image of an OCI layout, or its index. */
async function readOciRoot(find: Find): Promise<unknown> {
  const index = OciIndex.safeParse(await readJson(find('index.json'))).data
  if (index === undefined || find('oci-layout') === undefined) return undefined
  const [only, ...others] = index.manifests
  if (only === undefined || others.length > 0) return index
  return (await readJson(find(`blobs/${only.digest.replace(':', '/')}`))) ?? index
}

/** Older archives have no manifest with digests: it is made of what they have. */
async function readSavedRoot(find: Find): Promise<unknown> {
  const saved = Saved.safeParse(await readJson(find('manifest.json'))).data
  if (saved === undefined) return undefined
  const manifests = await Promise.all(saved.map((image) => describeSaved(image, find)))
  if (manifests.length > 1)
    throw new UsageError(`the archive has ${manifests.length} images; save one: docker save NAME:TAG`)
  return manifests[0]
}

async function describeSaved({ Config, Layers }: z.infer<typeof Saved>[number], find: Find): Promise<unknown> {
  const layers = Layers.map((name) => {
    const stored = find(name)
    if (stored === undefined) throw new UsageError(`the archive has no layer "${name}", which its manifest.json names`)
    return stored
  })
  const config = find(Config)
  if (config === undefined) throw new UsageError(`the archive has no config "${Config}", which its manifest.json names`)
  const descriptors = []
  for (const layer of layers)
    descriptors.push({ mediaType: await mediaTypeOf(layer), digest: layer.digest, size: layer.sizeBytes })
  const { digest, sizeBytes } = config
  return { schemaVersion: 2, config: { mediaType: OCI_CONFIG, digest, size: sizeBytes }, layers: descriptors }
}

async function mediaTypeOf(stored: StoredFile): Promise<string> {
  for await (const piece of streamStored(stored)) {
    const packing = packingOf(piece)
    return packing === 'none' ? PLAIN_LAYER : `${PLAIN_LAYER}+${packing}`
  }
  return PLAIN_LAYER
}
