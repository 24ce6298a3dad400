import { createReadStream } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseImageName } from '@trainyard/contract'
import { unpackTar } from 'modern-tar/fs'
import { z } from 'zod'
import { BaseImageError, reasonOf } from '../errors.ts'
import { gzipTar } from '../folders/gzip-tar.ts'
import { digestOf } from '../publish/digest-of.ts'
import { parseJson } from '../publish/oci.ts'
import { type BaseImage, LAYER_MEDIA_TYPE, type LayerFile } from './image.ts'
import { type PullOptions, pullBase } from './pull-base.ts'
import { type BlobSource, parseConfig, type ReadBaseOptions, readBase } from './read-base.ts'

export interface OpenBaseOptions extends ReadBaseOptions, PullOptions {
  /** A folder for this build, which the caller removes. */
  scratch: string
  /** Writes the archive of an image of the container engine, as `docker save` does. False: the engine does not have it. */
  save?: ((name: string, target: string) => Promise<boolean>) | undefined
}

/** `manifest.json` of `docker save`. */
const Saved = z.array(z.looseObject({ Config: z.string(), Layers: z.array(z.string()) })).min(1)

/**
 * Opens a base image: an OCI layout (a folder or its archive), the output of `docker save`, or a name, which is asked of the container
 * engine and then of its registry. Throws {@link BaseImageError}.
 */
export async function openBase(options: OpenBaseOptions): Promise<BaseImage> {
  const { name, scratch, save } = options
  const found = await stat(name).catch(() => undefined)
  if (found?.isDirectory()) return await readBase(await layoutSource(name, name), options)
  if (found?.isFile()) return await readArchive(name, options)
  const parsed = parseImageName(name)
  if (parsed === undefined)
    throw new BaseImageError(
      `the base image "${name}" is neither a file nor the name of an image: expected NAME:TAG, NAME@sha256:…, or an OCI layout`,
    )
  const archive = join(scratch, 'base.tar')
  if (save !== undefined && (await save(name, archive))) return await readArchive(archive, options)
  const source = await pullBase(parsed, options)
  if (parsed.reference.startsWith('sha256:') && digestOf(source.root) !== parsed.reference)
    throw new BaseImageError(`${parsed.host} sent an image with the digest ${digestOf(source.root)} for ${name}`)
  return await readBase(source, options)
}

async function layoutSource(dir: string, name: string): Promise<BlobSource> {
  const read = (path: string) =>
    readFile(join(dir, path)).catch((cause: unknown) => {
      throw new BaseImageError(`${name} is not an OCI layout: ${reasonOf(cause)}`, { cause })
    })
  const pathOf = (digest: string) => `blobs/${digest.replace(':', '/')}`
  await read('oci-layout')
  return {
    root: await read('index.json'),
    isFromRegistry: false,
    manifest: (digest) => read(pathOf(digest)),
    async blob(digest) {
      await stat(join(dir, pathOf(digest))).catch((cause: unknown) => {
        throw new BaseImageError(`the OCI layout ${name} has no blob ${digest}`, { cause })
      })
      return createReadStream(join(dir, pathOf(digest)))
    },
  }
}

async function readArchive(file: string, options: OpenBaseOptions): Promise<BaseImage> {
  const dir = join(options.scratch, 'base')
  try {
    await pipeline(createReadStream(file), unpackTar(dir))
  } catch (cause) {
    throw new BaseImageError(`${options.name} cannot be read as an archive: ${reasonOf(cause)}`, { cause })
  }
  const saved = Saved.safeParse(parseJson(await readFile(join(dir, 'manifest.json')).catch(() => Buffer.alloc(0)))).data
  // Newer engines write both, and the layout has the digests.
  if (await stat(join(dir, 'oci-layout')).catch(() => undefined))
    return await readBase(await layoutSource(dir, options.name), options)
  if (saved === undefined)
    throw new BaseImageError(`${options.name} is not an image: expected an OCI layout, or the output of "docker save"`)
  const [image, ...others] = saved
  if (image === undefined || others.length > 0)
    throw new BaseImageError(`${options.name} has ${saved.length} images: save one`)
  const config = parseConfig(await readFile(join(dir, image.Config)), options.name)
  const layers: LayerFile[] = []
  for (const [index, path] of image.Layers.entries()) {
    const diffId = config.rootfs.diff_ids[index]
    if (diffId === undefined) throw new BaseImageError(`${options.name} has more layers than its config names`)
    options.onLayer?.({ digest: diffId, sizeBytes: (await stat(join(dir, path))).size })
    layers.push(await compressLayer(join(dir, path), diffId, options))
  }
  return { name: options.name, config, layers }
}

/** Engines save layers without compression. A registry keeps each of them once, so they are always compressed alike. */
async function compressLayer(file: string, diffId: string, { cache, name }: OpenBaseOptions): Promise<LayerFile> {
  if (await isGzip(file)) throw new BaseImageError(`${name} has compressed layers without their digests`)
  let made: { digest: string; sizeBytes: number; tarDigest: string } | undefined
  const stored = await cache.make(`gzip-of-${diffId}`, async (target) => {
    made = await gzipTar(createReadStream(file, { highWaterMark: 1024 * 1024 }), target, { level: 3 })
  })
  if (made === undefined) throw new BaseImageError(`a layer of ${name} could not be compressed`)
  if (made.tarDigest !== diffId)
    throw new BaseImageError(`a layer of ${name} has the digest ${made.tarDigest}, and its config names ${diffId}`)
  const { digest, sizeBytes } = made
  return { mediaType: LAYER_MEDIA_TYPE, digest, sizeBytes, diffId, file: stored }
}

async function isGzip(file: string): Promise<boolean> {
  await using handle = await open(file)
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return buffer[0] === 0x1f && buffer[1] === 0x8b
}
