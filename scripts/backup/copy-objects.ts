import { createHash } from 'node:crypto'
import { createFolderStore, type ObjectStore, TrainyardError } from '@trainyard/platform'
import type { ObjectEntry } from './backup-files.ts'

/** Objects that are copied at the same time. */
const CONCURRENCY = 8

/** The objects of a backup, in the files of a folder store: each has its digest and content type with it. */
export function backupStore(dir: string): ObjectStore {
  // Nothing is signed: the address and the secret are not used.
  return createFolderStore({ dir, publicUrl: 'http://127.0.0.1', secret: 'a backup signs no addresses' })
}

export interface CopyOptions {
  from: ObjectStore
  to: ObjectStore
  onProgress(count: number, sizeBytes: number): void
}

/** Copies every object that exists from the beginning to the end of the copy, and yields what was copied. */
export async function* copyAll({ from, to, onProgress }: CopyOptions): AsyncGenerator<ObjectEntry[]> {
  let count = 0
  let sizeBytes = 0
  for await (const keys of grouped(from.list(''))) {
    const entries = (await settled(keys.map(({ key }) => copyOne(key, from, to)))).filter(
      (entry) => entry !== undefined,
    )
    count += entries.length
    sizeBytes += entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
    onProgress(count, sizeBytes)
    if (entries.length > 0) yield entries
  }
}

async function copyOne(key: string, from: ObjectStore, to: ObjectStore): Promise<ObjectEntry | undefined> {
  try {
    const { body, contentType, etag } = await from.get(key)
    const { sizeBytes, sha256 } = await to.put(key, body, { contentType })
    // The etag of a folder store is the digest of the bytes that were acknowledged.
    if (/^"[0-9a-f]{64}"$/.test(etag) && etag !== `"${sha256}"`)
      throw new Error(`The object "${key}" is damaged: it has the SHA-256 ${sha256} and was stored with ${etag}`)
    return { key, sizeBytes, sha256, contentType }
  } catch (error) {
    // Deleted since it was listed: no row of the snapshot names it, because deletions of those are held.
    if (error instanceof TrainyardError && error.code === 'not_found') return undefined
    throw error
  }
}

/** Copies an object of a backup. @throws Error if its bytes are not those of the entry */
export async function restoreOne(entry: ObjectEntry, from: ObjectStore, to: ObjectStore): Promise<void> {
  const { body } = await from.get(entry.key)
  const hash = createHash('sha256')
  const checked = async function* () {
    for await (const chunk of body) {
      hash.update(chunk)
      yield chunk
    }
  }
  await to.put(entry.key, checked(), { contentType: entry.contentType })
  const actual = hash.digest('hex')
  if (actual === entry.sha256) return
  throw new Error(`The object "${entry.key}" of the backup is damaged: its SHA-256 is ${actual}, not ${entry.sha256}`)
}

/** As `Promise.all`, but it throws after the last one has ended: until then they write into what the caller removes. */
export async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}

export async function* grouped<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const item of items) {
    group.push(item)
    if (group.length < CONCURRENCY) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
