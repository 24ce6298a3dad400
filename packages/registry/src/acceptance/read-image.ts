import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { readTar } from '@trainyard/platform'

/** Larger files are refused. A manifest has a few kilobytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

export interface ReadImageOptions {
  /** Functions that open the layers, lowest first. Layers may be uncompressed, gzip or zstd. */
  layers: readonly (() => Promise<AsyncIterable<Uint8Array>>)[]
  /** Absolute paths of the files to read. */
  paths: readonly string[]
  /** Limit on the unpacked bytes of all layers, against decompression bombs. Default 32 GiB. */
  maxBytes?: number | undefined
  signal?: AbortSignal | undefined
}

/** The file of an image at a path. */
export type ImageFile =
  | { state: 'found'; content: Uint8Array }
  | { state: 'absent' }
  | { state: 'refused'; reason: string }

/**
 * Reads a few files from an image, without running or unpacking it. Upper layers override lower ones, and whiteouts remove
 * files of lower layers: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 */
export async function readImage(options: ReadImageOptions): Promise<Map<string, ImageFile>> {
  const { layers, paths, maxBytes = 32 * 1024 ** 3, signal } = options
  const files = new Map<string, ImageFile>()
  let readBytes = 0
  for (const open of layers.toReversed()) {
    const missing = paths.filter((path) => !files.has(path))
    if (missing.length === 0) break
    const counted = async function* () {
      for await (const chunk of decompress(await open())) {
        signal?.throwIfAborted()
        readBytes += chunk.byteLength
        if (readBytes > maxBytes) throw new RangeError(`the layers unpack to more than ${maxBytes} bytes`)
        yield chunk
      }
    }
    const { found, hidden } = await readLayer(counted(), missing)
    for (const [path, file] of found) files.set(path, file)
    // A whiteout hides files of lower layers, not those of its own layer.
    for (const path of hidden) if (!files.has(path)) files.set(path, { state: 'absent' })
  }
  return new Map(paths.map((path) => [path, files.get(path) ?? { state: 'absent' }]))
}

/** Reads the files at `paths` from one layer. `hidden` are paths that the layer hides in the layers below it. */
async function readLayer(
  layer: AsyncIterable<Uint8Array>,
  paths: readonly string[],
): Promise<{ found: Map<string, ImageFile>; hidden: Set<string> }> {
  const found = new Map<string, ImageFile>()
  const hidden = new Set<string>()
  for await (const entry of readTar(layer)) {
    const path = posix.join('/', entry.name)
    if (!paths.includes(path)) {
      for (const candidate of paths) if (hides(path, entry.type, candidate)) hidden.add(candidate)
      continue
    }
    if (entry.type !== 'file') {
      const kind = entry.type === 'directory' ? 'a folder' : 'a link or a special file'
      found.set(path, { state: 'refused', reason: `expected a regular file, got ${kind}` })
      continue
    }
    const content = await entry.read(MAX_FILE_BYTES)
    found.set(
      path,
      content ? { state: 'found', content } : { state: 'refused', reason: `it is larger than ${MAX_FILE_BYTES} bytes` },
    )
  }
  return { found, hidden }
}

/** Whether an entry of a layer hides `path` in the layers below. */
function hides(entry: string, type: string, path: string): boolean {
  const { dir, base } = posix.parse(entry)
  const isBelow = (folder: string) => path.startsWith(folder === '/' ? '/' : `${folder}/`)
  if (base === '.wh..wh..opq') return isBelow(dir)
  if (base.startsWith('.wh.')) {
    const removed = posix.join(dir, base.slice('.wh.'.length))
    return path === removed || isBelow(removed)
  }
  // A file or link that replaces a folder hides the contents of the folder.
  return type !== 'directory' && isBelow(entry)
}

/** Decompresses gzip and zstd, recognised by their first bytes because media types of layers are not reliable. */
async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array()
  while (head.byteLength < 4) {
    const next = await iterator.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  const whole = async function* () {
    try {
      yield head
      for (;;) {
        const next = await iterator.next()
        if (next.done) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }
  const unpacker =
    head[0] === 0x1f && head[1] === 0x8b
      ? createGunzip()
      : head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd
        ? createZstdDecompress()
        : undefined
  if (!unpacker) return yield* whole()
  const input = Readable.from(whole(), { objectMode: false })
  input.on('error', (error) => unpacker.destroy(error))
  try {
    yield* input.pipe(unpacker) as AsyncIterable<Uint8Array>
  } finally {
    input.destroy()
    unpacker.destroy()
  }
}
