import { createReadStream, type Stats } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { BUNDLE_MEDIA_TYPE, parseImageName } from '@trainyard/contract'
import { unpackTar } from '@trainyard/platform'
import { UsageError } from '../errors.ts'
import { imageLayers, listImages } from '../image/list-images.ts'
import type { ImageStore } from './image-store.ts'
import { pullImage } from './pull-image.ts'
import { readArchiveStream, readImageArchive } from './read-image-archive.ts'
import { readImageLayout } from './read-image-layout.ts'
import { saveImage } from './save-image.ts'
import { readStored, Scratch, streamStored } from './scratch.ts'

/** What is checked. */
export type Target = (
  | { readonly kind: 'folder'; readonly dir: string }
  /** An unpacked bundle. */
  | { readonly kind: 'bundle'; readonly dir: string }
  | { readonly kind: 'image'; readonly store: ImageStore }
) & {
  /** Removes what was unpacked or fetched. */
  close(): Promise<void>
}

export interface OpenTargetOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly signal?: AbortSignal | undefined
}

const ENGINE = 'docker-daemon:'
const REGISTRY = 'docker://'
const MAX_FILES = 20_000
const MAX_BUNDLE_BYTES = 4 * 1024 ** 3

/**
 * Opens a folder, an archive, or an image by its name: `NAME:TAG` is looked for in the container engine of this machine and
 * then in its registry, `docker-daemon:NAME:TAG` only there, `docker://NAME:TAG` only in the registry.
 *
 * @throws UsageError when it does not exist or is something else
 */
export async function openTarget(text: string, options: OpenTargetOptions = {}): Promise<Target> {
  const found = await stat(resolve(text)).catch(() => undefined)
  if (found?.isDirectory() && !(await isOciLayout(text)))
    return { kind: 'folder', dir: text, close: () => Promise.resolve() }
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-target-'))
  const close = () => rm(dir, { recursive: true, force: true })
  try {
    await mkdir(join(dir, 'files'))
    const scratch = new Scratch(join(dir, 'files'))
    const content = await openContent(text, found, scratch, options)
    if (content.kind === 'image') {
      const bundle = await findBundle(content.store)
      if (bundle === undefined) return { kind: 'image', store: content.store, close }
      return { kind: 'bundle', dir: await unpackBundle(streamStored(bundle), dir), close }
    }
    return { kind: 'bundle', dir: await unpackBundle(createReadStream(text), dir), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openContent(text: string, found: Stats | undefined, scratch: Scratch, options: OpenTargetOptions) {
  if (found === undefined) return await openImage(text, scratch, options)
  if (found.isDirectory()) return { kind: 'image' as const, store: await readImageLayout(resolve(text), scratch) }
  if (found.isFile()) return await readImageArchive(text, scratch, options.signal)
  throw new UsageError(`"${text}" is neither a folder nor a file`)
}

async function openImage(text: string, scratch: Scratch, { env = process.env, signal }: OpenTargetOptions) {
  const isEngineOnly = text.startsWith(ENGINE)
  const shown = text.replace(isEngineOnly ? ENGINE : REGISTRY, '')
  const name = parseImageName(shown)
  if (name === undefined) {
    const looksLikeImage = shown !== text || parseImageName(`${text}:latest`) !== undefined
    const hint = looksLikeImage ? `; of an image, give the tag too, for example ${shown}:latest` : ''
    throw new UsageError(`the folder "${text}" does not exist${hint}`)
  }
  const saved = text.startsWith(REGISTRY) ? undefined : await saveImage(shown, { env, signal })
  if (saved !== undefined) return await readArchiveStream(saved, `the image ${shown}`, scratch, signal)
  if (isEngineOnly) throw new UsageError(`the container engine of this machine does not have the image ${shown}`)
  return { kind: 'image' as const, store: await pullImage(name, scratch, { env, signal }) }
}

async function isOciLayout(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((): string[] => [])
  return names.includes('oci-layout') && !names.includes('trainer.json')
}

/** The archive of a trainer that `trainyard publish` has pushed. */
async function findBundle(store: ImageStore) {
  const { images } = await listImages(store.root, async (digest) => {
    const stored = await store.find(digest)
    return stored && (await readStored(stored))
  })
  const [layer, ...others] = images.flatMap(({ manifest }) => imageLayers(manifest))
  if (layer?.mediaType !== BUNDLE_MEDIA_TYPE || others.length > 0) return undefined
  return await store.find(layer.digest)
}

async function unpackBundle(body: AsyncIterable<Uint8Array>, dir: string): Promise<string> {
  const target = join(dir, 'bundle')
  await unpackTar(body, target, { maxFiles: MAX_FILES, maxTotalBytes: MAX_BUNDLE_BYTES }).catch((error: Error) => {
    throw new UsageError(`the bundle cannot be unpacked: ${error.message}`)
  })
  return target
}
