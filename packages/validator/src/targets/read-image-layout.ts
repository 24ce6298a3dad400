import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { parseManifestJson } from '../image/list-images.ts'
import type { ImageStore } from './image-store.ts'
import { readStored, type Scratch, type StoredFile } from './scratch.ts'

/** An image in an OCI layout that is a folder: https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
export async function readImageLayout(dir: string, scratch: Scratch): Promise<ImageStore> {
  const copy = async (path: string): Promise<StoredFile | undefined> =>
    await scratch.store(createReadStream(join(dir, path))).catch(() => undefined)
  const index = await copy('index.json')
  const bytes = index && (await readStored(index))
  const root = bytes && parseManifestJson(bytes)
  if (root === undefined) throw new UsageError(`"${dir}" has the file oci-layout, but no index.json that can be read`)
  const found = new Map<string, Promise<StoredFile | undefined>>()
  const open = async (digest: string) => {
    const stored = /^sha256:[\da-f]{64}$/.test(digest) ? await copy(`blobs/${digest.replace(':', '/')}`) : undefined
    return stored?.digest === digest ? stored : undefined
  }
  return {
    root,
    find(digest) {
      const known = found.get(digest) ?? open(digest)
      found.set(digest, known)
      return known
    },
  }
}
