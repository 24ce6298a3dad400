import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { decompress, type Packing, readTar, type TarEntry, TrainyardError } from '@trainyard/platform'
import { LayerRefused } from '../errors.ts'
import { type LayerEntry, type LayerListing, shownPath } from './layer-entry.ts'

export interface LayerLimits {
  /** More entries are refused. Default: 1,000,000. */
  maxEntries?: number | undefined
  /** More unpacked bytes are refused. Default: 64 GiB. */
  maxBytes?: number | undefined
  /** A layer that unpacks to more than this many times its size is refused. Default: 200, after the first 10 MiB. */
  maxRatio?: number | undefined
  /** A layer that takes longer is refused. Default: 15 minutes. */
  maxMs?: number | undefined
}

export interface InspectLayerOptions {
  mediaType: string
  limits?: LayerLimits | undefined
  signal?: AbortSignal | undefined
  /** Called for each regular file, in order, with the number of its entry. It reads the bytes before it returns, or leaves them. */
  onFile?: ((entry: LayerEntry, file: Pick<TarEntry, 'read' | 'stream'>, index: number) => Promise<void>) | undefined
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** Linux refuses longer paths. */
const MAX_PATH_BYTES = 4095

/**
 * Reads a layer to its last byte.
 *
 * @throws LayerRefused when it is damaged, packed in another way than its media type says, or exceeds a limit
 */
export async function inspectLayer(
  body: AsyncIterable<Uint8Array>,
  { mediaType, limits = {}, signal, onFile }: InspectLayerOptions,
): Promise<LayerListing> {
  const { maxEntries = 1_000_000, maxBytes = 64 * 1024 ** 3, maxRatio, maxMs = 15 * 60_000 } = limits
  const hash = createHash('sha256')
  const endsAtMs = performance.now() + maxMs
  let unpackedBytes = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of decompress(body, { packing: packingOfMediaType(mediaType), maxRatio })) {
      signal?.throwIfAborted()
      unpackedBytes += chunk.length
      if (unpackedBytes > maxBytes) throw new LayerRefused(`unpacks to more than ${maxBytes} bytes`)
      if (performance.now() > endsAtMs) throw new LayerRefused(`was not read within ${Math.round(maxMs / 1000)} s`)
      hash.update(chunk)
      yield chunk
    }
  }
  const entries: LayerEntry[] = []
  try {
    for await (const found of readTar(counted())) {
      if (entries.length >= maxEntries) throw new LayerRefused(`has more than ${maxEntries} entries`)
      const entry = toEntry(found)
      entries.push(entry)
      if (entry.type === 'file') await onFile?.(entry, found, entries.length - 1)
    }
  } catch (error) {
    if (error instanceof TrainyardError && error.code === 'unprocessable')
      throw new LayerRefused(`cannot be read: ${error.message}`, { cause: error })
    throw error
  }
  return { entries, diffId: `sha256:${hash.digest('hex')}`, unpackedBytes }
}

/**
 * How a layer must be packed by its media type. Docker decides by the first bytes and containerd by the media type, so a layer
 * where the two differ would be applied in two ways.
 */
function packingOfMediaType(mediaType: string): Packing {
  if (/foreign|nondistributable/.test(mediaType))
    throw new LayerRefused('is stored elsewhere, so it cannot be checked; push it with the image')
  if (/[+.]gzip$/.test(mediaType)) return 'gzip'
  if (/[+.]zstd$/.test(mediaType)) return 'zstd'
  if (/[.]tar$/.test(mediaType)) return 'none'
  throw new LayerRefused(`has the media type "${mediaType.slice(0, 200)}"; expected a tar, tar+gzip or tar+zstd`)
}

function toEntry({ name, type, linkName, mode, sizeBytes }: TarEntry): LayerEntry {
  const path = normalise(name, 'name')
  const { dir, base } = posix.parse(path)
  const bare = { mode: 0, sizeBytes: 0, linkPath: '' }
  if (base.startsWith(WHITEOUT)) {
    if (base === OPAQUE) return { ...bare, path: dir, type: 'opaque' }
    const hidden = base.slice(WHITEOUT.length)
    if (['', '.', '..'].includes(hidden) || hidden.startsWith(WHITEOUT))
      throw new LayerRefused(`has a whiteout without meaning: ${shownPath(path)}`)
    return { ...bare, path: posix.join(dir, hidden), type: 'whiteout' }
  }
  if (type === 'other') throw new LayerRefused(`has an entry of an unknown type: ${shownPath(path)}`)
  if (path === '' && type !== 'directory') throw new LayerRefused('replaces the root folder')
  const linkPath = type === 'hardlink' ? normalise(linkName, 'target') : type === 'symlink' ? linkName : ''
  return { path, type, mode, sizeBytes, linkPath }
}

/** Engines clean names in this way, and treat absolute ones as relative to the root. They disagree about `..` above it. */
function normalise(name: string, what: 'name' | 'target'): string {
  const path = posix.normalize(name.replace(/^\/+/, '')).replace(/\/$/, '')
  if (path === '..' || path.startsWith('../'))
    throw new LayerRefused(`has an entry whose ${what} leads out of the image: ${shownPath(name)}`)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new LayerRefused(`has an entry whose ${what} is longer than ${MAX_PATH_BYTES} bytes: ${shownPath(name)}`)
  return path === '.' ? '' : path
}
