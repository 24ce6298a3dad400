import { mkdirSync, realpathSync } from 'node:fs'
import nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import type { SignedRequest } from '@trainyard/contract'
import type { Hono } from 'hono'
import { notFound, TrainyardError } from '../../errors.ts'
import { createLogger, type Logger } from '../../log.ts'
import { type Clock, systemClock } from '../../system/clock.ts'
import { FileRange, HeldBytes } from '../../system/file-range.ts'
import { checkKey, checkPartNumber, checkPrefix } from '../keys.ts'
import {
  type Bearer,
  type BearerCheck,
  DEFAULT_CONTENT_TYPE,
  DEFAULT_EXPIRY_SECONDS,
  type GetOptions,
  type ListedObject,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type SignGetOptions,
  type SignPartOptions,
  type SignPutOptions,
  type StoredObject,
  type StoredPart,
} from '../object-store.ts'
import { BearerChecks, formatBearer } from './bearer-checks.ts'
import { FolderObjects } from './folder-objects.ts'
import { createFolderStoreApp } from './folder-store-app.ts'
import { FolderUploads } from './folder-uploads.ts'
import { etagOf, openObjectFile, type StoredFile } from './object-file.ts'
import { type Grant, signRequest } from './signed-url.ts'
import type { StoreFileSystem } from './store-file-system.ts'

export interface FolderStoreOptions {
  /** Holds the objects. Created when it does not exist. */
  dir: string
  /** The origin under which {@link FolderStore.app} is reached, for example `http://127.0.0.1:7600`. */
  publicUrl: string
  /** Signs the URLs; at least 16 characters. Processes that share the folder must share the secret. */
  secret: string
  /** How long a URL to read an object works if the caller of `signGet` does not say. Default: an hour. */
  urlSeconds?: number | undefined
  clock?: Clock | undefined
  /** Default: `node:fs/promises`. */
  fileSystem?: StoreFileSystem | undefined
  /** Logs failed requests. Default: on standard output. */
  logger?: Logger | undefined
}

export interface FolderStore extends ObjectStore {
  /** Serves the signed URLs, all below `/storage/`. */
  readonly app: Hono
}

/** Uploads and temporary files of a crashed process are removed after this time. */
const STALE_MS = 24 * 3600 * 1000

/** An object store in a folder, for one machine. Its signed URLs are served by its own small app. */
export function createFolderStore(options: FolderStoreOptions): FolderStore {
  return new FolderObjectStore(options)
}

class FolderObjectStore implements FolderStore {
  readonly app: Hono
  readonly #publicUrl: string
  readonly #secret: string
  readonly #urlSeconds: number | undefined
  readonly #clock: Clock
  readonly #fs: StoreFileSystem
  readonly #objects: FolderObjects
  readonly #uploads: FolderUploads
  readonly #bearers = new BearerChecks()

  constructor(options: FolderStoreOptions) {
    const { dir, publicUrl, secret, clock = systemClock, fileSystem = nodeFs } = options
    const { logger = createLogger({ name: 'storage', level: 'error' }) } = options
    if (secret.length < 16) throw new RangeError('The secret of a folder store needs at least 16 characters')
    mkdirSync(join(dir, 'objects'), { recursive: true })
    const root = realpathSync(dir)
    const tempDir = join(root, 'temp')
    const uploadsDir = join(root, 'multipart')
    this.#publicUrl = publicUrl
    this.#secret = secret
    this.#urlSeconds = options.urlSeconds
    this.#clock = clock
    this.#fs = fileSystem
    this.#objects = new FolderObjects(fileSystem, join(root, 'objects'), tempDir)
    this.#uploads = new FolderUploads(fileSystem, uploadsDir, tempDir, this.#objects)
    this.app = createFolderStoreApp({
      objects: this.#objects,
      uploads: this.#uploads,
      secret,
      clock,
      logger,
      requireBearer: (grant) => this.#bearers.require(grant),
    })
    // In the background: nothing depends on it.
    for (const folder of [tempDir, uploadsDir]) void removeStale(fileSystem, folder)
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<StoredObject> {
    const { contentType = DEFAULT_CONTENT_TYPE, digest } = options
    return await this.#objects.write(key, body, contentType, { digest })
  }

  async get(key: string, { range }: GetOptions = {}): Promise<ObjectInfo & { body: AsyncIterable<Uint8Array> }> {
    const file = await this.#objects.open(key)
    if (file === undefined) throw notFound('object', key)
    const start = range?.start ?? 0
    const end = Math.min(range?.end ?? file.sizeBytes - 1, file.sizeBytes - 1)
    if (range !== undefined && (start < 0 || start >= file.sizeBytes || end < start)) {
      await file.handle.close()
      throw new TrainyardError('invalid_request', `range must lie within the ${file.sizeBytes} bytes of "${key}"`)
    }
    const info = { ...infoOf(file), sizeBytes: end - start + 1 }
    if (file.content !== undefined || info.sizeBytes === 0) {
      await file.handle.close()
      return { ...info, body: new HeldBytes(file.content?.subarray(start, end + 1) ?? new Uint8Array()) }
    }
    return { ...info, body: new FileRange(file.handle, { start, end }) }
  }

  async find(key: string): Promise<ObjectInfo | undefined> {
    const file = await this.#objects.open(key)
    await file?.handle.close()
    return file && infoOf(file)
  }

  async delete(key: string): Promise<void> {
    await this.#objects.delete(key)
  }

  async deletePrefix(prefix: string): Promise<number> {
    checkPrefix(prefix)
    let count = 0
    for await (const { path } of this.#objects.walk(prefix)) {
      if (await this.#objects.remove(path)) count++
    }
    return count
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    checkPrefix(prefix)
    for await (const { key, path } of this.#objects.walk(prefix)) {
      const file = await openObjectFile(this.#fs, path)
      if (file === undefined) continue
      await file.handle.close()
      yield { key, sizeBytes: file.sizeBytes, etag: etagOf(file.sha256) }
    }
  }

  async rename(from: string, to: string): Promise<void> {
    checkKey(to)
    if (!(await this.#objects.rename(from, to))) throw notFound('object', from)
  }

  checkBearers(kind: Bearer['kind'], check: BearerCheck): void {
    this.#bearers.set(kind, check)
  }

  async signGet(key: string, options: SignGetOptions = {}): Promise<SignedRequest> {
    return this.#sign(options.bearer, {
      method: 'GET',
      key,
      expires: this.#expires(options.expiresInSeconds ?? this.#urlSeconds),
      type: options.contentType,
      name: options.fileName,
    })
  }

  async signPut(key: string, options: SignPutOptions): Promise<SignedRequest> {
    return this.#sign(options.bearer, {
      method: 'PUT',
      key,
      expires: this.#expires(options.expiresInSeconds),
      size: options.sizeBytes,
      sha256: options.sha256,
      type: options.contentType,
    })
  }

  async signPart(key: string, uploadId: string, options: SignPartOptions): Promise<SignedRequest> {
    checkPartNumber(options.partNumber)
    return this.#sign(options.bearer, {
      method: 'PUT',
      key,
      expires: this.#expires(options.expiresInSeconds),
      size: options.sizeBytes,
      upload: uploadId,
      part: options.partNumber,
    })
  }

  async createMultipart(
    key: string,
    { contentType = DEFAULT_CONTENT_TYPE }: { contentType?: string | undefined } = {},
  ): Promise<{ uploadId: string }> {
    return { uploadId: await this.#uploads.create(key, contentType) }
  }

  async putPart(key: string, uploadId: string, partNumber: number, body: ObjectBody) {
    return await this.#uploads.writePart(key, uploadId, partNumber, body)
  }

  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    return await this.#uploads.listParts(key, uploadId)
  }

  async completeMultipart(
    key: string,
    uploadId: string,
    parts: readonly { partNumber: number; etag: string }[],
  ): Promise<void> {
    await this.#uploads.complete(key, uploadId, parts)
  }

  async abortMultipart(key: string, uploadId: string): Promise<void> {
    await this.#uploads.abort(key, uploadId)
  }

  #sign(bearer: Bearer | undefined, grant: Grant): SignedRequest {
    checkKey(grant.key)
    return signRequest(this.#publicUrl, this.#secret, { ...grant, bearer: bearer && formatBearer(bearer) })
  }

  /** Seconds since 1970. */
  #expires(seconds = DEFAULT_EXPIRY_SECONDS): number {
    return Math.ceil(this.#clock.now().getTime() / 1000) + seconds
  }
}

function infoOf({ sizeBytes, sha256, contentType }: StoredFile): ObjectInfo {
  return { sizeBytes, etag: etagOf(sha256), contentType }
}

async function removeStale(fs: StoreFileSystem, folder: string): Promise<void> {
  for (const name of await fs.readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const info = await fs.stat(path).catch(() => undefined)
    if (info !== undefined && Date.now() - info.mtimeMs > STALE_MS) {
      await fs.rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}
