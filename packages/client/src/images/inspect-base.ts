import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { unpackTar } from 'modern-tar/fs'
import { BaseImageError, reasonOf } from '../errors.ts'
import { type BaseImage, DEFAULT_PATH, IMAGE_PATHS, type LayerFile } from './image.ts'

/** What of a base image decides which packages fit it. */
export interface BaseContents {
  /** The Pythons, with the one that PATH finds first at the beginning. */
  pythons: { path: string; version: string }[]
  libc: 'glibc' | 'musl'
}

const PYTHON = /^(\/.*\/bin|\/bin)\/python(3\.\d+)$/
const MUSL = /^\/(?:usr\/)?lib\/ld-musl-[\w-]+\.so\.1$/

/** Reads the names of all files of a base image. `scratch` is an empty folder, and stays empty. Throws {@link BaseImageError}. */
export async function inspectBase({ name, config, layers }: BaseImage, scratch: string): Promise<BaseContents> {
  const found = new Set<string>()
  let libc: BaseContents['libc'] = 'glibc'
  for (const layer of layers)
    await forEachName(layer, { image: name, scratch }, (path) => {
      if (path.startsWith(`${IMAGE_PATHS.environment}/`))
        throw new BaseImageError(
          `the base image ${name} has ${path}: it is the image of a trainer, built by this command. Choose the one that it was built on`,
        )
      if (PYTHON.test(path)) found.add(path)
      if (MUSL.test(path)) libc = 'musl'
    })
  const variables = new Map((config.config?.Env ?? []).map((text) => splitVariable(text)))
  const folders = (variables.get('PATH') ?? DEFAULT_PATH).split(':')
  const exact = variables.get('PYTHON_VERSION')
  const rank = (path: string) => {
    const at = folders.indexOf(path.slice(0, path.lastIndexOf('/')))
    return at < 0 ? folders.length : at
  }
  const pythons = [...found]
    .map((path) => ({ path, version: path.slice(path.lastIndexOf('python') + 'python'.length) }))
    .toSorted((a, b) => rank(a.path) - rank(b.path))
    // The official images of Python name the whole version.
    .map((one) => (exact?.startsWith(`${one.version}.`) ? { ...one, version: exact } : one))
  return { pythons, libc }
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

async function forEachName(
  layer: LayerFile,
  { image, scratch }: { image: string; scratch: string },
  visit: (path: string) => void,
): Promise<void> {
  const unpack = await decompressorOf(layer.file)
  const names = unpackTar(scratch, {
    // Nothing is unpacked.
    filter({ name }) {
      visit(`/${name.replace(/^[./]+/, '')}`)
      return false
    },
  })
  try {
    await pipeline(createReadStream(layer.file, { highWaterMark: 1024 * 1024 }), unpack, names)
  } catch (cause) {
    if (cause instanceof BaseImageError) throw cause
    throw new BaseImageError(`the layer ${layer.digest} of ${image} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

async function decompressorOf(file: string): Promise<Transform> {
  await using handle = await open(file)
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0)
  if (buffer.readUInt16BE(0) === 0x1f8b) return createGunzip()
  return buffer.readUInt32BE(0) === 0x28b52ffd ? createZstdDecompress() : new PassThrough()
}
