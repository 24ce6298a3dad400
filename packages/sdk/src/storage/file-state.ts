import { type BigIntStats, createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { ResourceError } from '@trainyard/contract/trainer-errors'
import { hashFile } from '@trainyard/datasets/transfer'

/** A file as it was when its upload began. Its bytes must not change until the upload has ended. */
export interface FileState {
  file: string
  sizeBytes: number
  sha256: string
  /** Device, inode and time of the last change. */
  identity: string
}

export interface FileRange {
  offset: number
  sizeBytes: number
}

const CHUNK_BYTES = 256 * 1024

/** Hashes a file. Throws `ResourceError` when it cannot be read, or changes meanwhile. */
export async function readFileState(file: string): Promise<FileState> {
  const before = await stat(file, { bigint: true }).catch((error: unknown) => {
    throw new ResourceError(`"${file}" cannot be read: ${reasonOf(error)}`, { cause: error })
  })
  const sha256 = await hashFile(file).catch((error: unknown) => {
    throw new ResourceError(`"${file}" cannot be read: ${reasonOf(error)}`, { cause: error })
  })
  const state = { file, sizeBytes: Number(before.size), sha256, identity: identityOf(before) }
  await requireUnchanged(state)
  return state
}

/** The bytes of a range. Throws `ResourceError` at once when the file is no longer the one that was announced. */
export async function* readRange(state: FileState, { offset, sizeBytes }: FileRange): AsyncGenerator<Uint8Array> {
  if (sizeBytes === 0) return
  let handle: FileHandle
  await requireUnchanged(state)
  try {
    handle = await open(state.file, 'r')
  } catch (error) {
    throw new ResourceError(`"${state.file}" can no longer be read: ${reasonOf(error)}`, { cause: error })
  }
  // Reads ahead while the previous bytes are sent.
  const end = offset + sizeBytes - 1
  const stream = createReadStream('', { fd: handle, start: offset, end, highWaterMark: CHUNK_BYTES })
  let read = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      read += chunk.length
      await requireUnchanged(state)
      yield chunk
    }
  } catch (error) {
    if (error instanceof ResourceError) throw error
    throw new ResourceError(`"${state.file}" can no longer be read: ${reasonOf(error)}`, { cause: error })
  } finally {
    stream.destroy()
  }
  if (read < sizeBytes) throw changed(state, `could be read up to byte ${offset + read} only`)
}

/** Throws `ResourceError`, with both sizes, when the file is not the one that was announced. */
export async function requireUnchanged(state: FileState): Promise<void> {
  let now: BigIntStats
  try {
    now = await stat(state.file, { bigint: true })
  } catch (error) {
    throw changed(state, isCode(error, 'ENOENT') ? 'no longer exists' : `can no longer be read: ${reasonOf(error)}`)
  }
  if (Number(now.size) !== state.sizeBytes) throw changed(state, `now has ${now.size} bytes`)
  if (identityOf(now) !== state.identity) throw changed(state, `was written again (${now.size} bytes)`)
}

function changed({ file, sizeBytes }: FileState, how: string): ResourceError {
  return new ResourceError(
    `"${file}" changed while it was uploaded: it had ${sizeBytes} bytes and ${how}. Await the call before the file is written again or deleted`,
    { retryable: true },
  )
}

function identityOf({ dev, ino, mtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${mtimeNs}`
}

const isCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code

/** Without the path, which the message has already. */
export function reasonOf(error: unknown): string {
  if (isCode(error, 'ENOENT')) return 'it does not exist'
  if (isCode(error, 'EACCES')) return 'permission denied'
  return error instanceof Error ? error.message.replace(/, \w+( '.*')?$/, '') : String(error)
}
