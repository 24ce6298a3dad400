import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { notFound, TrainyardError } from '../../errors.ts'
import { checkKey, checkPartNumber } from '../keys.ts'
import { DEFAULT_CONTENT_TYPE, type ObjectBody, type StoredPart } from '../object-store.ts'
import type { FolderObjects } from './folder-objects.ts'
import { etagOf, openObjectFile, type WriteLimits, writeObjectFile } from './object-file.ts'
import { isMissing } from './object-paths.ts'

const Upload = z.object({ key: z.string(), contentType: z.string() })
type Upload = z.infer<typeof Upload>

/** Multipart uploads: a folder each, with a file for each part. */
export class FolderUploads {
  readonly #uploadsDir: string
  readonly #tempDir: string
  readonly #objects: FolderObjects

  constructor(uploadsDir: string, tempDir: string, objects: FolderObjects) {
    this.#uploadsDir = uploadsDir
    this.#tempDir = tempDir
    this.#objects = objects
  }

  async create(key: string, contentType: string): Promise<string> {
    checkKey(key)
    const uploadId = randomUUID()
    const folder = this.#folderOf(uploadId)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'upload.json'), JSON.stringify({ key, contentType } satisfies Upload))
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
    const { path, sizeBytes, sha256 } = await writeObjectFile(this.#tempDir, body, DEFAULT_CONTENT_TYPE, limits)
    try {
      await rename(path, join(folder, String(partNumber)))
    } catch (error) {
      await rm(path, { force: true })
      throw isMissing(error) ? noUpload(uploadId) : error
    }
    return { sizeBytes, etag: etagOf(sha256) }
  }

  async listParts(key: string, uploadId: string): Promise<StoredPart[]> {
    const { folder } = await this.#open(key, uploadId)
    const numbers = (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number)
    const parts: StoredPart[] = []
    for (const partNumber of numbers.sort((a, b) => a - b)) {
      const file = await openObjectFile(join(folder, String(partNumber)))
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
      const file = await openObjectFile(path)
      await file?.handle.close()
      checkPart(partNumber, etag, file && etagOf(file.sha256))
      if (paths.includes(path)) throw new TrainyardError('invalid_request', `Part ${partNumber} is listed twice`)
      paths.push(path)
    }
    await this.#objects.write(key, concatenate(paths), contentType)
    await rm(folder, { recursive: true, force: true })
  }

  async abort(key: string, uploadId: string): Promise<void> {
    checkKey(key)
    await rm(this.#folderOf(uploadId), { recursive: true, force: true })
  }

  async #open(key: string, uploadId: string): Promise<{ folder: string; contentType: string }> {
    checkKey(key)
    const folder = this.#folderOf(uploadId)
    const text = await readFile(join(folder, 'upload.json'), 'utf8').catch(() => undefined)
    const upload = text === undefined ? undefined : Upload.parse(JSON.parse(text))
    if (upload?.key !== key) throw noUpload(uploadId)
    return { folder, contentType: upload.contentType }
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

async function* concatenate(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const file = await openObjectFile(path)
    if (file === undefined) throw new TrainyardError('conflict', 'The upload was aborted while it was completed')
    if (file.sizeBytes === 0) await file.handle.close()
    else yield* file.handle.createReadStream({ start: 0, end: file.sizeBytes - 1, highWaterMark: 256 * 1024 })
  }
}
