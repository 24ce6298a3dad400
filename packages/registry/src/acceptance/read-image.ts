import { ImageTree } from './layers/image-tree.ts'
import { inspectLayer, type LayerLimits } from './layers/inspect-layer.ts'

/** Larger files are refused. A manifest has a few kilobytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** A layer of an image. */
export interface ImageLayer {
  mediaType: string
  open(): Promise<AsyncIterable<Uint8Array>>
}

export interface ReadImageOptions {
  /** Lowest first. */
  layers: readonly ImageLayer[]
  /** Absolute paths of the files to read. */
  paths: readonly string[]
  limits?: LayerLimits | undefined
  signal?: AbortSignal | undefined
}

/** The file of an image at a path. */
export type ImageFile =
  | { state: 'found'; content: Uint8Array }
  | { state: 'absent' }
  | { state: 'refused'; reason: string }

/**
 * Reads a few files from an image as it would run, without running or unpacking it. Every layer is read to its last byte.
 *
 * @throws LayerRefused when a layer cannot be read, or could be applied in two ways
 */
export async function readImage(options: ReadImageOptions): Promise<Map<string, ImageFile>> {
  const { layers, paths, limits, signal } = options
  const tree = new ImageTree()
  for (const { mediaType, open } of layers) {
    const { entries } = await inspectLayer(await open(), { mediaType, limits, signal })
    tree.apply(entries)
  }
  const files = new Map<string, ImageFile>()
  for (const path of paths) files.set(path, await readFile(tree, path, options))
  return files
}

async function readFile(
  tree: ImageTree,
  path: string,
  { layers, limits, signal }: ReadImageOptions,
): Promise<ImageFile> {
  const node = tree.find(path.slice(1))
  if (node === undefined) return { state: 'absent' }
  if (node.type !== 'file') {
    const kind = node.type === 'directory' ? 'a folder' : 'a link or a special file'
    return { state: 'refused', reason: `expected a regular file, got ${kind}` }
  }
  if (node.sizeBytes > MAX_FILE_BYTES) return { state: 'refused', reason: `it is larger than ${MAX_FILE_BYTES} bytes` }
  const layer = layers[node.layer]
  if (layer === undefined) return { state: 'absent' }
  let content: Uint8Array | undefined
  await inspectLayer(await layer.open(), {
    mediaType: layer.mediaType,
    limits,
    signal,
    async onFile(_, file, index) {
      if (index === node.index) content = await file.read(MAX_FILE_BYTES)
    },
  })
  return content === undefined ? { state: 'absent' } : { state: 'found', content }
}
