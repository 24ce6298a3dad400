import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { encodingOfMark } from '../files/read-text.ts'

/** A file that is UTF-8: the given one, or a copy of it. */
export interface Utf8File {
  file: string
  /** Removes the copy. Undefined for the given file. */
  remove?: (() => Promise<void>) | undefined
}

/** Files of any size are cut as UTF-8. One that is UTF-16 with a byte order mark is copied as UTF-8 first, piece by piece. */
export async function asUtf8(file: string, signal?: AbortSignal): Promise<Utf8File> {
  const encoding = encodingOfMark(await readStart(file))
  if (encoding === undefined) return { file }
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-utf8-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, 'copy.json')
    const decode = async function* (chunks: AsyncIterable<Buffer>) {
      const decoder = new TextDecoder(encoding)
      for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
      yield decoder.decode()
    }
    await pipeline(createReadStream(file), decode, createWriteStream(copy), { signal })
    return { file: copy, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
