import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { readTar } from '@trainyard/platform'

/** Bytes of one wanted file. A manifest has kilobytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

export interface ReadImageOptions {
  /** Open the layers' bytes, the lowest first. They may be plain, gzip or zstd. */
  layers: readonly (() => Promise<AsyncIterable<Uint8Array>>)[]
  /** Absolute paths, in the order in which they are wanted. */
  paths: readonly string[]
  /** Unpacked bytes of all layers that are read at most: a bomb ends here. Default 32 GiB. */
  maxBytes?: number
  signal?: AbortSignal
}

/** What an image has at a path. */
export type ImageFile =
  | { state: 'found'; content: Uint8Array }
  | { state: 'absent' }
  | { state: 'refused'; reason: string }

/**
 * Reads a few files out of an image, without running or unpacking it. The upper layers win, and what they white out is
 * gone: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 */
export async function readImage(options: ReadImageOptions): Promise<Map<string, ImageFile>> {
  const { layers, paths, maxBytes = 32 * 1024 ** 3, signal } = options
  const files = new Map<string, ImageFile>()
  let readBytes = 0
  for (const open of layers.toReversed()) {
    const wanted = paths.filter((path) => !files.has(path))
    if (wanted.length === 0) break
    const seen = new Map<string, ImageFile>()
    const hidden = new Set<string>()
    const counted = async function* () {
      for await (const chunk of decompress(await open())) {
        signal?.throwIfAborted()
        readBytes += chunk.byteLength
        if (readBytes > maxBytes) throw new RangeError(`the layers unpack to more than ${maxBytes} bytes`)
        yield chunk
      }
    }
    for await (const entry of readTar(counted())) {
      const path = posix.join('/', entry.name)
      const match = wanted.find((candidate) => candidate === path)
      if (match === undefined) {
        for (const candidate of wanted) if (hides(path, entry.type, candidate)) hidden.add(candidate)
        continue
      }
      if (entry.type !== 'file') {
        const what = entry.type === 'directory' ? 'a folder' : 'a link or a special file'
        seen.set(match, { state: 'refused', reason: `it is ${what}; wanted a regular file` })
        continue
      }
      const content = await entry.read(MAX_FILE_BYTES)
      seen.set(
        match,
        content
          ? { state: 'found', content }
          : { state: 'refused', reason: `it has more than ${MAX_FILE_BYTES} bytes` },
      )
    }
    for (const [path, file] of seen) files.set(path, file)
    // A whiteout hides what lies below its layer, not what the same layer adds.
    for (const path of hidden) if (!files.has(path)) files.set(path, { state: 'absent' })
  }
  return new Map(paths.map((path) => [path, files.get(path) ?? { state: 'absent' }]))
}

/** Whether an entry of an upper layer hides `wanted` in the lower ones. */
function hides(entry: string, type: string, wanted: string): boolean {
  const { dir, base } = posix.parse(entry)
  const below = (folder: string) => wanted.startsWith(folder === '/' ? '/' : `${folder}/`)
  if (base === '.wh..wh..opq') return below(dir)
  if (base.startsWith('.wh.')) {
    const gone = posix.join(dir, base.slice('.wh.'.length))
    return wanted === gone || below(gone)
  }
  // A file or link in the place of a folder hides what the folder held.
  return type !== 'directory' && below(entry)
}

/** Unpacks gzip and zstd by their first bytes: media types of layers are not always right. */
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
