import type { StoredFile } from './scratch.ts'

/** Manifests and layers of an image, from an archive or from a registry. */
export interface ImageStore {
  /** The manifest or the index. */
  readonly root: unknown
  /** A manifest, config or layer. Undefined: it does not exist, or its bytes have another digest. */
  find(digest: string): Promise<StoredFile | undefined>
}
