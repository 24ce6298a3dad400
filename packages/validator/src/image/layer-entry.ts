/** The type of an entry in a layer. A whiteout hides a path of the layers below, an opaque one everything in a folder. */
export type LayerEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'fifo' | 'whiteout' | 'opaque'

/** One entry of a layer, without its bytes. */
export interface LayerEntry {
  /** Without a leading `/`; of a whiteout, the path that it hides; of an opaque one, the folder. Empty for the root. */
  path: string
  type: LayerEntryType
  /** Permission bits, setuid, setgid and sticky. */
  mode: number
  sizeBytes: number
  /** Of a symbolic link, its target as written; of a hard link, the path of the other file; otherwise empty. */
  linkPath: string
}

/** Everything that a layer holds, except the bytes of its files. */
export interface LayerListing {
  entries: readonly LayerEntry[]
  /** The digest of the unpacked layer, which container engines compare with the image's config. */
  diffId: string
  unpackedBytes: number
}

/** A path as people read it: with a leading `/`, and without halves of characters, which PostgreSQL cannot store. */
export function shownPath(path: string): string {
  return `/${path}`.slice(0, 1000).replaceAll('\0', '\uFFFD').toWellFormed()
}
