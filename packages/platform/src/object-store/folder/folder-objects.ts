import { dirname, join } from 'node:path'
import { TrainyardError } from '../../errors.ts'
import { checkKey } from '../keys.ts'
import type { ObjectBody, StoredObject } from '../object-store.ts'
import { etagOf, openObjectFile, type StoredFile, type WriteLimits, writeObjectFile } from './object-file.ts'
import { isMissing, keyPartOf, objectPath } from './object-paths.ts'
import type { StoreFileSystem } from './store-file-system.ts'

/** Each attempt fails only when a concurrent delete has just removed the same folder. */
const MAX_MOVE_ATTEMPTS = 100

/** The object files below a folder. */
export class FolderObjects {
  readonly #fs: StoreFileSystem
  readonly #objectsDir: string
  readonly #tempDir: string

  constructor(fs: StoreFileSystem, objectsDir: string, tempDir: string) {
    this.#fs = fs
    this.#objectsDir = objectsDir
    this.#tempDir = tempDir
  }

  /** The caller closes the handle. */
  async open(key: string): Promise<StoredFile | undefined> {
    const path = await objectPath(this.#fs, this.#objectsDir, key, { create: false })
    return path === undefined ? undefined : await openObjectFile(this.#fs, path)
  }

  async write(key: string, body: ObjectBody, contentType: string, limits: WriteLimits = {}): Promise<StoredObject> {
    checkKey(key)
    const { path, sizeBytes, sha256 } = await writeObjectFile(this.#fs, this.#tempDir, body, contentType, limits)
    try {
      await this.#move(path, key)
    } catch (error) {
      await this.#fs.rm(path, { force: true })
      throw error
    }
    return { sizeBytes, sha256, etag: etagOf(sha256) }
  }

  /** Returns false when the object does not exist. */
  async rename(from: string, to: string): Promise<boolean> {
    const path = await objectPath(this.#fs, this.#objectsDir, from, { create: false })
    const file = path === undefined ? undefined : await openObjectFile(this.#fs, path)
    if (path === undefined || file === undefined) return false
    await file.handle.sync().finally(() => file.handle.close())
    if (from === to) {
      await this.#syncFolders(path, { created: true })
      return true
    }
    await this.#move(path, to)
    // Only the folders: another object may have been stored under the old key.
    await this.#removeEmptyFolders(path)
    return true
  }

  async delete(key: string): Promise<void> {
    const path = await objectPath(this.#fs, this.#objectsDir, key, { create: false })
    if (path !== undefined) await this.remove(path)
  }

  /** Removes a file and the folders that become empty. Returns false when the file does not exist. */
  async remove(path: string): Promise<boolean> {
    try {
      await this.#fs.unlink(path)
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
    await this.#removeEmptyFolders(path)
    return true
  }

  async #removeEmptyFolders(path: string): Promise<void> {
    for (let folder = dirname(path); folder !== this.#objectsDir; folder = dirname(folder)) {
      // Fails for a folder that is not empty.
      const removed = await this.#fs.rmdir(folder).then(
        () => true,
        () => false,
      )
      if (!removed) break
    }
  }

  /** The objects whose keys begin with the prefix, in the order of the keys' UTF-8 bytes. */
  walk(prefix: string): AsyncGenerator<{ key: string; path: string }> {
    return this.#walk(this.#objectsDir, '', prefix)
  }

  async *#walk(folder: string, base: string, prefix: string): AsyncGenerator<{ key: string; path: string }> {
    const entries = await this.#fs.readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    const found = entries.flatMap((entry) => {
      const isFolder = entry.isDirectory()
      const part = isFolder || entry.isFile() ? keyPartOf(entry.name, isFolder) : undefined
      if (part === undefined) return []
      const key = `${base}${part}${isFolder ? '/' : ''}`
      const matches = key.startsWith(prefix) || (isFolder && prefix.startsWith(key))
      return matches ? [{ key, path: join(folder, entry.name), isFolder, order: Buffer.from(key) }] : []
    })
    found.sort((a, b) => Buffer.compare(a.order, b.order))
    for (const { key, path, isFolder } of found) {
      if (isFolder) yield* this.#walk(path, key, prefix)
      else yield { key, path }
    }
  }

  /** A file survives a crash of the machine under its name when its folder is synced, and that folder in those above it. */
  async #syncFolders(path: string, { created }: { created: boolean }): Promise<void> {
    const top = created ? this.#objectsDir : dirname(path)
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const handle = await this.#fs.open(folder, 'r').catch((error: unknown) => {
        // Then the object was deleted meanwhile.
        if (isMissing(error)) return undefined
        throw error
      })
      await handle?.sync().finally(() => handle.close())
      if (folder === top) return
    }
  }

  /** Moves a finished file to its key. When a concurrent delete removes the folder in between, it is created again. */
  async #move(from: string, key: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        // Nearly always the folder exists.
        const existing = await objectPath(this.#fs, this.#objectsDir, key, { create: false })
        const path = existing ?? (await objectPath(this.#fs, this.#objectsDir, key, { create: true }))
        if (path !== undefined) {
          await this.#fs.rename(from, path)
          return await this.#syncFolders(path, { created: existing === undefined })
        }
      } catch (error) {
        // The folder, or one above it, was removed while it was created.
        if (!isMissing(error)) throw error
      }
      if (attempt >= MAX_MOVE_ATTEMPTS)
        throw new TrainyardError('storage_unavailable', `The folder of "${key}" was removed ${attempt} times`)
    }
  }
}
