import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A file that was stored, with the digest of its bytes. */
export interface StoredFile {
  readonly file: string
  readonly digest: string
  readonly sizeBytes: number
}

/** Stores streams in a folder, under names of its own: those of an archive are never used as paths. */
export class Scratch {
  readonly #dir: string
  readonly #maxBytes: number
  #count = 0
  #bytes = 0

  constructor(dir: string, { maxBytes = 64 * 1024 ** 3 }: { maxBytes?: number | undefined } = {}) {
    this.#dir = dir
    this.#maxBytes = maxBytes
  }

  async store(body: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    this.#count += 1
    const file = join(this.#dir, String(this.#count))
    const hash = createHash('sha256')
    let sizeBytes = 0
    await using handle = await open(file, 'wx', 0o600)
    for await (const piece of body) {
      this.#bytes += piece.byteLength
      if (this.#bytes > this.#maxBytes) throw new Error(`the image has more than ${this.#maxBytes} bytes`)
      hash.update(piece)
      sizeBytes += piece.byteLength
      await handle.write(piece)
    }
    return { file, digest: `sha256:${hash.digest('hex')}`, sizeBytes }
  }
}

/** Reads a stored file of at most 4 MiB; undefined when it is larger. */
export async function readStored({ file, sizeBytes }: StoredFile): Promise<Uint8Array | undefined> {
  return sizeBytes > 4 * 1024 * 1024 ? undefined : await readFile(file)
}

export function streamStored({ file }: StoredFile): AsyncIterable<Uint8Array> {
  return createReadStream(file)
}
