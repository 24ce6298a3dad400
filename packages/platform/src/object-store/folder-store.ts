import { randomUUID } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Hono } from 'hono'
import { z } from 'zod'
import { notFound, TrainyardError } from '../errors.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { entryOf, locate, uploadFolder } from './folder-layout.ts'
import { createFolderStoreApp, type FolderFiles } from './folder-store-app.ts'
import { checkKey, checkPartNumber, checkPrefix } from './keys.ts'
import { etagOf, openObjectFile, type StoredFile, type WriteLimits, writeObjectFile } from './object-file.ts'
import { DEFAULT_CONTENT_TYPE, DEFAULT_EXPIRY_SECONDS, type ObjectStore } from './object-store.ts'
import { signRequest } from './signed-url.ts'

export interface FolderStoreOptions {
  /** Holds the objects. Made where it is absent. */
  dir: string
  /** The origin under which {@link FolderStore.app} is reached, for example `http://127.0.0.1:7600`. */
  publicUrl: string
  /** Signs the URLs; at least 16 characters. Processes that share the folder share the secret. */
  secret: string
  clock?: Clock
}

export interface FolderStore extends ObjectStore {
  /** Serves the signed URLs, all below `/storage/`. */
  readonly app: Hono
}

const Upload = z.object({ key: z.string(), contentType: z.string() })
const STALE_MS = 24 * 3600 * 1000

/** Each try loses only against another delete that has just emptied the same folder. */
const MAX_PLACE_TRIES = 100

/** An object store in a folder, for one machine; its signed URLs are served by its own small app. */
export function createFolderStore({ dir, publicUrl, secret, clock = systemClock }: FolderStoreOptions): FolderStore {
  if (secret.length < 16) throw new RangeError('The secret of a folder store needs at least 16 characters')
  mkdirSync(join(dir, 'objects'), { recursive: true })
  const root = realpathSync(dir)
  const objectsDir = join(root, 'objects')
  const tempDir = join(root, 'temp')
  const multipartDir = join(root, 'multipart')
  // What a crash left half-written; nobody waits for the sweep.
  for (const folder of [tempDir, multipartDir]) void sweep(folder)

  const expires = (seconds = DEFAULT_EXPIRY_SECONDS) => Math.ceil(clock.now().getTime() / 1000) + seconds

  async function openObject(key: string): Promise<StoredFile | undefined> {
    const path = await locate(objectsDir, key, false)
    return path === undefined ? undefined : await openObjectFile(path)
  }

  async function find(key: string) {
    const file = await openObject(key)
    if (file === undefined) return undefined
    await file.handle.close()
    return { sizeBytes: file.sizeBytes, etag: etagOf(file.sha256), contentType: file.contentType }
  }

  /** Moves a finished file to its key. A concurrent delete may remove the folder in between; then it is made again. */
  async function place(from: string, key: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const path = await locate(objectsDir, key, true)
        if (path !== undefined) return await rename(from, path)
      } catch (error) {
        // The folder, or one above it, went while it was made.
        if (!isMissing(error)) throw error
      }
      if (tries >= MAX_PLACE_TRIES) {
        throw new TrainyardError('storage_unavailable', `The folder of "${key}" vanishes all the time`)
      }
    }
  }

  async function write(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    contentType: string,
    limits: WriteLimits,
  ) {
    checkKey(key)
    const file = await writeObjectFile(tempDir, body, contentType, limits)
    try {
      await place(file.path, key)
    } catch (error) {
      await rm(file.path, { force: true })
      throw error
    }
    return { sizeBytes: file.sizeBytes, sha256: file.sha256, etag: etagOf(file.sha256) }
  }

  async function openUpload(key: string, uploadId: string) {
    checkKey(key)
    const folder = uploadFolder(multipartDir, uploadId)
    const text = await readFile(join(folder, 'upload.json'), 'utf8').catch(() => undefined)
    const upload = text === undefined ? undefined : Upload.parse(JSON.parse(text))
    if (upload?.key !== key) throw notFound('upload', uploadId.slice(0, 100))
    return { folder, contentType: upload.contentType }
  }

  async function writePart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    limits: WriteLimits,
  ) {
    checkPartNumber(partNumber)
    const { folder } = await openUpload(key, uploadId)
    const file = await writeObjectFile(tempDir, body, DEFAULT_CONTENT_TYPE, limits)
    try {
      await rename(file.path, join(folder, String(partNumber)))
    } catch (error) {
      await rm(file.path, { force: true })
      throw isMissing(error) ? notFound('upload', uploadId.slice(0, 100)) : error
    }
    return { sizeBytes: file.sizeBytes, etag: etagOf(file.sha256) }
  }

  async function* walk(folder: string, base: string, prefix: string): AsyncGenerator<{ key: string; path: string }> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    const found = entries.flatMap((entry) => {
      const part = entry.isDirectory() || entry.isFile() ? entryOf(entry.name, entry.isDirectory()) : undefined
      if (part === undefined) return []
      const key = `${base}${part}${entry.isDirectory() ? '/' : ''}`
      return key.startsWith(prefix) || (entry.isDirectory() && prefix.startsWith(key))
        ? [{ key, path: join(folder, entry.name), isFolder: entry.isDirectory(), order: Buffer.from(key) }]
        : []
    })
    found.sort((a, b) => Buffer.compare(a.order, b.order))
    for (const { key, path, isFolder } of found) {
      if (isFolder) yield* walk(path, key, prefix)
      else yield { key, path }
    }
  }

  async function remove(path: string): Promise<boolean> {
    try {
      await unlink(path)
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
    for (let folder = dirname(path); folder !== objectsDir; folder = dirname(folder)) {
      // Fails where something else is in it: then the folder stays.
      const empty = await rmdir(folder).then(
        () => true,
        () => false,
      )
      if (!empty) break
    }
    return true
  }

  const store: ObjectStore = {
    put: (key, body, options = {}) => write(key, body, options.contentType ?? DEFAULT_CONTENT_TYPE, {}),
    async get(key, { range } = {}) {
      const file = await openObject(key)
      if (file === undefined) throw notFound('object', key)
      const start = range?.start ?? 0
      const end = Math.min(range?.end ?? file.sizeBytes - 1, file.sizeBytes - 1)
      if (range !== undefined && (start < 0 || start >= file.sizeBytes || end < start)) {
        await file.handle.close()
        throw new TrainyardError('invalid_request', `range must lie within the ${file.sizeBytes} bytes of "${key}"`)
      }
      const info = { sizeBytes: end - start + 1, etag: etagOf(file.sha256), contentType: file.contentType }
      if (info.sizeBytes === 0) {
        await file.handle.close()
        return { ...info, body: nothing() }
      }
      return { ...info, body: file.handle.createReadStream({ start, end, highWaterMark: 256 * 1024 }) }
    },
    find,
    async delete(key) {
      const path = await locate(objectsDir, key, false)
      if (path !== undefined) await remove(path)
    },
    async deletePrefix(prefix) {
      checkPrefix(prefix)
      let count = 0
      for await (const { path } of walk(objectsDir, '', prefix)) {
        if (await remove(path)) count++
      }
      return count
    },
    async *list(prefix) {
      checkPrefix(prefix)
      for await (const { key, path } of walk(objectsDir, '', prefix)) {
        const file = await openObjectFile(path)
        if (file === undefined) continue
        await file.handle.close()
        yield { key, sizeBytes: file.sizeBytes, etag: etagOf(file.sha256) }
      }
    },
    async rename(from, to) {
      checkKey(to)
      const path = await locate(objectsDir, from, false)
      if (path === undefined || (await find(from)) === undefined) throw notFound('object', from)
      if (from === to) return
      await place(path, to)
      await remove(path)
    },
    async signGet(key, { expiresInSeconds, fileName, contentType } = {}) {
      checkKey(key)
      const grant = {
        method: 'GET' as const,
        key,
        expires: expires(expiresInSeconds),
        type: contentType,
        name: fileName,
      }
      return signRequest(publicUrl, secret, grant)
    },
    async signPut(key, { sizeBytes, sha256, contentType, expiresInSeconds }) {
      checkKey(key)
      const grant = {
        method: 'PUT' as const,
        key,
        expires: expires(expiresInSeconds),
        size: sizeBytes,
        sha256,
        type: contentType,
      }
      return signRequest(publicUrl, secret, grant)
    },
    async createMultipart(key, { contentType = DEFAULT_CONTENT_TYPE } = {}) {
      checkKey(key)
      const uploadId = randomUUID()
      const folder = uploadFolder(multipartDir, uploadId)
      await mkdir(folder, { recursive: true })
      await writeFile(
        join(folder, 'upload.json'),
        JSON.stringify({ key, contentType } satisfies z.infer<typeof Upload>),
      )
      return { uploadId }
    },
    async signPart(key, uploadId, { partNumber, sizeBytes, expiresInSeconds }) {
      checkKey(key)
      checkPartNumber(partNumber)
      const grant = {
        method: 'PUT' as const,
        key,
        expires: expires(expiresInSeconds),
        size: sizeBytes,
        upload: uploadId,
        part: partNumber,
      }
      return signRequest(publicUrl, secret, grant)
    },
    putPart: (key, uploadId, partNumber, body) => writePart(key, uploadId, partNumber, body, {}),
    async listParts(key, uploadId) {
      const { folder } = await openUpload(key, uploadId)
      const numbers = (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number)
      const parts: { partNumber: number; sizeBytes: number; etag: string }[] = []
      for (const partNumber of numbers.sort((a, b) => a - b)) {
        const file = await openObjectFile(join(folder, String(partNumber)))
        if (file === undefined) continue
        await file.handle.close()
        parts.push({ partNumber, sizeBytes: file.sizeBytes, etag: etagOf(file.sha256) })
      }
      return parts
    },
    async completeMultipart(key, uploadId, parts) {
      const { folder, contentType } = await openUpload(key, uploadId)
      if (parts.length === 0) throw new TrainyardError('invalid_request', 'parts must hold at least one part')
      const ordered = parts.toSorted((a, b) => a.partNumber - b.partNumber)
      const paths: string[] = []
      for (const { partNumber, etag } of ordered) {
        checkPartNumber(partNumber)
        const path = join(folder, String(partNumber))
        const file = await openObjectFile(path)
        await file?.handle.close()
        if (file === undefined || etagOf(file.sha256) !== etag || paths.includes(path)) {
          throw new TrainyardError(
            'invalid_request',
            `Part ${partNumber} was not uploaded with the etag ${etag.slice(0, 100)}`,
          )
        }
        paths.push(path)
      }
      await write(key, concatenate(paths), contentType, {})
      await rm(folder, { recursive: true, force: true })
    },
    async abortMultipart(key, uploadId) {
      checkKey(key)
      await rm(uploadFolder(multipartDir, uploadId), { recursive: true, force: true })
    },
  }
  const files: FolderFiles = { open: openObject, write, writePart }
  return { ...store, app: createFolderStoreApp({ files, secret, clock }) }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* concatenate(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const file = await openObjectFile(path)
    if (file === undefined) throw new TrainyardError('conflict', 'The upload was aborted while it was completed')
    if (file.sizeBytes === 0) await file.handle.close()
    else yield* file.handle.createReadStream({ start: 0, end: file.sizeBytes - 1, highWaterMark: 256 * 1024 })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (info !== undefined && Date.now() - info.mtimeMs > STALE_MS) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}
