import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { notFound, TrainyardError } from '../../errors.ts'
import { checkKey, checkPartNumber } from '../keys.ts'
import { DEFAULT_CONTENT_TYPE, type ObjectBody, type StoredPart } from '../object-store.ts'
import type { FolderObjects } from './folder-objects.ts'
import { etagOf, openObjectFile, type WriteLimits, writeObjectFile } from './object-file.ts'
import { isMissing } from './object-paths.ts'
import type { StoreFileSystem } from './store-file-system.ts'

const Upload = z.object({ key: z.string(), contentType: z.string() })
type Upload = z.infer<typeof Upload>

/** Multipart uploads: a folder each, with a file for each part. */
export class FolderUploads {
  readonly #fs: StoreFileSystem
  readonly #uploadsDir: string
  readonly #tempDir: string
  readonly #objects: FolderObjects

  constructor(fs: StoreFileSystem, uploadsDir: string, tempDir: string, objects: FolderObjects) {
    this.#fs = fs
    this.#uploadsDir = uploadsDir
    this.#tempDir = tempDir
    this.#objects = objects
  }

  async create(key: string, contentType: string): Promise<string> {
    checkKey(key)
    const uploadId = randomUUID()
    const folder = this.#folderOf(uploadId)
    await this.#fs.mkdir(folder, { recursive: true })
    const text = JSON.stringify({ key, contentType } satisfies Upload)
    try {
      await this.#fs.writeFile(join(folder, 'upload.json'), text)
    } catch (error) {
      await this.#remove(folder)
      throw error
    }
    return uploadId
  }

  async writePart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
    limits: WriteLimits = {},
  ): Promise<{ sizeBytes: number; etag: string }> {
    checkPartNumber(partNumber)
    const { folder } = await this.#open(key, uploadId)
    const { path, sizeBytes, sha256 } = await writeObjectFile(
      this.#fs,
      this.#tempDir,
      body,
      DEFAULT_CONTENT_TYPE,
      limits,
    )
    try {
      await this.#fs.rename(path, join(folder, String(partNumber)))
    } catch (error) {
      await this.#fs.rm(path, { force: true })
      throw isMissing(error) ? noUpload(uploadId) : error
    }
    return { sizeBytes, etag: etagOf(sha256) }
  }

  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const { folder } = await this.#open(key, uploadId)
    const numbers = (await this.#fs.readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number)
    const parts: StoredPart[] = []
    for (const partNumber of numbers.sort((a, b) => a - b)) {
      const file = await openObjectFile(this.#fs, join(folder, String(partNumber)))
      if (file === undefined) continue
      await file.handle.close()
      parts.push({ partNumber, sizeBytes: file.sizeBytes, etag: etagOf(file.sha256) })
    }
    return parts
  }

  async complete(key: string, uploadId: string, parts: readonly { partNumber: number; etag: string }[]): Promise<void> {
    const { folder, contentType } = await this.#open(key, uploadId)
    if (parts.length === 0) throw new TrainyardError('invalid_request', 'parts must have at least one item')
    const paths: string[] = []
    for (const { partNumber, etag } of parts.toSorted((a, b) => a.partNumber - b.partNumber)) {
      checkPartNumber(partNumber)
      const path = join(folder, String(partNumber))
      const file = await openObjectFile(this.#fs, path)
      await file?.handle.close()
      checkPart(partNumber, etag, file && etagOf(file.sha256))
      if (paths.includes(path)) throw new TrainyardError('invalid_request', `Part ${partNumber} is listed twice`)
      paths.push(path)
    }
    await this.#objects.write(key, concatenate(this.#fs, paths), contentType)
    // The object is stored: an error now would be wrong, and a retry would not find the upload.
    await this.#remove(folder).catch(() => undefined)
  }

  async abort(key: string, uploadId: string): Promise<void> {
    checkKey(key)
    await this.#remove(this.#folderOf(uploadId))
  }

  async #open(key: string, uploadId: string): Promise<{ folder: string; contentType: string }> {
    checkKey(key)
    const folder = this.#folderOf(uploadId)
    const text = await this.#fs.readFile(join(folder, 'upload.json'), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    const upload = text === undefined ? undefined : Upload.parse(JSON.parse(text))
    if (upload?.key !== key) throw noUpload(uploadId)
    return { folder, contentType: upload.contentType }
  }

  async #remove(folder: string): Promise<void> {
    await this.#fs.rm(folder, { recursive: true, force: true })
  }

  /** Hashed, because the id comes from the client and must not be used in a path. */
  #folderOf(uploadId: string): string {
    return join(this.#uploadsDir, createHash('sha256').update(uploadId).digest('hex').slice(0, 40))
  }
}

function checkPart(partNumber: number, expected: string, actual: string | undefined): void {
  if (actual === expected) return
  throw new TrainyardError(
    'invalid_request',
    actual === undefined
      ? `Part ${partNumber} was not uploaded`
      : `Part ${partNumber} has the ETag ${actual}; the request names ${expected.slice(0, 100)}`,
  )
}

function noUpload(uploadId: string): TrainyardError {
  return notFound('upload', uploadId.slice(0, 100))
}

async function* concatenate(fs: StoreFileSystem, paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const file = await openObjectFile(fs, path)
    if (file === undefined) throw new TrainyardError('conflict', 'The upload was aborted while it was completed')
    if (file.sizeBytes === 0) await file.handle.close()
    else yield* file.handle.createReadStream({ start: 0, end: file.sizeBytes - 1, highWaterMark: 256 * 1024 })
  }
}
