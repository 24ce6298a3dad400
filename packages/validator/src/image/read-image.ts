import { setImmediate } from 'node:timers/promises'
import { LayerRefused } from '../errors.ts'
import { ImageTree } from './image-tree.ts'
import type { LayerListing } from './layer-entry.ts'

/** Larger files are refused. A manifest has a few kilobytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024
/** Of all layers. The largest images have some 200,000. */
const MAX_ENTRIES = 500_000

/** A layer of an image. */
export interface ImageLayer {
  /** Of the bytes as they are stored. */
  digest: string
  mediaType: string
  sizeBytes: number
}

/** Reads layers. Tests read them in this process, the registry in a worker. */
export interface LayerReader {
  list(layer: ImageLayer): Promise<LayerListing>
  /** The file of one entry; undefined when it is larger. */
  read(layer: ImageLayer, index: number, maxBytes: number): Promise<Uint8Array | undefined>
}

/** An image as it would run. */
export interface ImageView {
  tree: ImageTree
  /** Digests of the unpacked layers, lowest first. */
  diffIds: string[]
  unpackedBytes: number
}

/** The file of an image at a path. */
export type ImageFile =
  | { state: 'found'; content: Uint8Array }
  | { state: 'absent' }
  | { state: 'refused'; reason: string }

/**
 * Applies the layers of an image, lowest first, without running or unpacking it. Every layer is read to its last byte.
 *
 * @throws LayerRefused with the digest of the layer that cannot be read, or could be applied in two ways
 */
export async function readImage(layers: readonly ImageLayer[], reader: LayerReader): Promise<ImageView> {
  const view: ImageView = { tree: new ImageTree(), diffIds: [], unpackedBytes: 0 }
  let count = 0
  for (const layer of layers) {
    try {
      const { entries, diffId, unpackedBytes } = await reader.list(layer)
      count += entries.length
      if (count > MAX_ENTRIES) throw new LayerRefused(`brings the image over ${MAX_ENTRIES} entries`)
      view.tree.apply(entries)
      view.diffIds.push(diffId)
      view.unpackedBytes += unpackedBytes
    } catch (error) {
      if (error instanceof LayerRefused) error.layer ??= layer.digest
      throw error
    }
    // Others wait while a large layer is applied.
    await setImmediate()
  }
  return view
}

/** Reads the file at an absolute path, without following links. */
export async function readImageFile(
  { tree }: ImageView,
  path: string,
  layers: readonly ImageLayer[],
  reader: LayerReader,
): Promise<ImageFile> {
  const node = tree.find(path.replace(/^\/+/, ''))
  const layer = node && layers[node.layer]
  if (node === undefined || layer === undefined) return { state: 'absent' }
  if (node.type !== 'file') {
    const kind = node.type === 'directory' ? 'a folder' : 'a link or a special file'
    return { state: 'refused', reason: `expected a regular file, got ${kind}` }
  }
  const content = await reader.read(layer, node.index, MAX_FILE_BYTES)
  return content === undefined
    ? { state: 'refused', reason: `it is larger than ${MAX_FILE_BYTES} bytes` }
    : { state: 'found', content }
}
