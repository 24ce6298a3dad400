import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DigestMismatch, TrainyardError } from '../../errors.ts'
import { errorCode } from '../../system/describe-error.ts'
import { consumeBody } from '../consume-body.ts'
import type { ObjectBody } from '../object-store.ts'
import type { StoreFileSystem } from './store-file-system.ts'

// A file is the object's bytes, followed by a trailer of fixed length: JSON padded with spaces. One file holds both, so that
// one rename replaces them together. The bytes come first, so that other programs can still open images and archives.
const TRAILER_BYTES = 512
const MARK = '\ntrainyard-object '
/** A file that is shorter is read in one piece: each call is a task of another thread. */
const SHORT_BYTES = 64 * 1024

const Trailer = z.object({ sha256: z.string(), contentType: z.string(), sizeBytes: z.number().int() })

export interface StoredFile {
  handle: FileHandle
  sizeBytes: number
  sha256: string
  contentType: string
  /** The bytes of a short file, which are read with its trailer. */
  content?: Uint8Array | undefined
}

export interface WriteLimits {
  /** Any other number of bytes is refused. */
  sizeBytes?: number | undefined
  /** Bytes with another SHA-256 (hex) are refused. */
  sha256?: string | undefined
  /** Bytes with another digest (`sha256:` or `sha512:` and hex) are refused. */
  digest?: string | undefined
}

export interface WrittenFile {
  path: string
  sizeBytes: number
  sha256: string
}

/** The digest in quotes, as in HTTP. */
export function etagOf(sha256: string): string {
  return `"${sha256}"`
}

/** Writes an object to a new file below `tempDir` and syncs it. No file remains when it is refused or fails. */
export async function writeObjectFile(
  fs: StoreFileSystem,
  tempDir: string,
  body: ObjectBody,
  contentType: string,
  limits: WriteLimits = {},
): Promise<WrittenFile> {
  const path = join(tempDir, randomUUID())
  const handle = await openNew(fs, tempDir, path)
  try {
    const [algorithm, expected] = limits.digest?.split(':') ?? []
    const { sizeBytes, digests, held } = await consumeBody(body, {
      holdShort: true,
      algorithms: algorithm === 'sha512' ? ['sha256', 'sha512'] : ['sha256'],
      write: (bytes) => writeAll(handle, bytes),
      onBytes: (received) => {
        if (limits.sizeBytes === undefined || received <= limits.sizeBytes) return
        throw refused('sizeBytes', `the signed request is for ${limits.sizeBytes} bytes, and more were sent`)
      },
    })
    const { sha256 = '' } = digests
    if (limits.sizeBytes !== undefined && sizeBytes !== limits.sizeBytes) {
      throw refused('sizeBytes', `the signed request is for ${limits.sizeBytes} bytes, and ${sizeBytes} were sent`)
    }
    if (limits.sha256 !== undefined && sha256 !== limits.sha256) {
      throw refused('sha256', `the signed request is for SHA-256 ${limits.sha256}, and the bytes have ${sha256}`)
    }
    if (limits.digest !== undefined && digests[algorithm ?? ''] !== expected) {
      throw new DigestMismatch(limits.digest, `${algorithm}:${digests[algorithm ?? '']}`)
    }
    const end = trailer({ sha256, contentType, sizeBytes })
    await writeAll(handle, held === undefined ? end : Buffer.concat([...held, end]))
    await handle.sync()
    await handle.close()
    return { path, sizeBytes, sha256 }
  } catch (error) {
    await handle.close().catch(() => undefined)
    await fs.rm(path, { force: true })
    throw error
  }
}

/** The folder exists, except for the first object. */
async function openNew(fs: StoreFileSystem, folder: string, path: string): Promise<FileHandle> {
  try {
    return await fs.open(path, 'wx', 0o600)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await fs.mkdir(folder, { recursive: true })
    return await fs.open(path, 'wx', 0o600)
  }
}

/** Opens an object's file; undefined when it does not exist or is not an object's file. */
export async function openObjectFile(fs: StoreFileSystem, path: string): Promise<StoredFile | undefined> {
  let handle: FileHandle
  try {
    handle = await fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return undefined
    throw error
  }
  try {
    const head = Buffer.allocUnsafe(SHORT_BYTES)
    const { bytesRead } = await handle.read(head, 0, SHORT_BYTES, 0)
    const short = bytesRead < SHORT_BYTES ? shortFile(head.subarray(0, bytesRead)) : undefined
    const file = short ?? (await longFile(handle))
    if (file !== undefined) return { handle, ...file }
  } catch (error) {
    await handle.close()
    if (errorCode(error) === 'EISDIR') return undefined
    throw error
  }
  await handle.close()
  return undefined
}

function shortFile(bytes: Buffer): Omit<StoredFile, 'handle'> | undefined {
  const sizeBytes = bytes.byteLength - TRAILER_BYTES
  const parsed = sizeBytes < 0 ? undefined : parseTrailer(bytes.subarray(sizeBytes))
  return parsed?.sizeBytes === sizeBytes ? { ...parsed, content: bytes.subarray(0, sizeBytes) } : undefined
}

async function longFile(handle: FileHandle): Promise<Omit<StoredFile, 'handle'> | undefined> {
  const info = await handle.stat()
  const sizeBytes = info.size - TRAILER_BYTES
  const parsed = info.isFile() && sizeBytes >= 0 ? parseTrailer(await readExactly(handle, sizeBytes)) : undefined
  return parsed?.sizeBytes === sizeBytes ? parsed : undefined
}

async function readExactly(handle: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(TRAILER_BYTES)
  const { bytesRead } = await handle.read(buffer, 0, TRAILER_BYTES, position)
  return buffer.subarray(0, bytesRead)
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < chunk.byteLength) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset)
    offset += bytesWritten
  }
}

function trailer(values: z.infer<typeof Trailer>): Buffer {
  const text = MARK + JSON.stringify(values)
  const buffer = Buffer.alloc(TRAILER_BYTES, ' ')
  if (Buffer.byteLength(text) > TRAILER_BYTES) {
    throw refused('contentType', 'the content type must have at most 300 characters')
  }
  buffer.write(text)
  return buffer
}

function parseTrailer(buffer: Buffer): z.infer<typeof Trailer> | undefined {
  const text = buffer.toString()
  if (!text.startsWith(MARK)) return undefined
  try {
    return Trailer.parse(JSON.parse(text.slice(MARK.length)))
  } catch {
    return undefined
  }
}

function refused(path: string, detail: string): TrainyardError {
  return new TrainyardError('invalid_request', `Nothing was stored: ${detail}`, { issues: [{ path, detail }] })
}
