import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'

/** Each read is a task of another thread. A piece fits into the cache of a processor, from which it is then written. */
const PIECE_BYTES = 256 * 1024
/** Pieces that are kept for the next file: new memory costs more than reading into it. */
const MAX_KEPT = 32

const kept: Buffer[] = []

/** The bytes of an open file from `start` to `end`, which is included. Reading them closes the file. */
export class FileRange implements AsyncIterable<Uint8Array> {
  readonly #handle: FileHandle
  readonly #start: number
  readonly #end: number

  constructor(handle: FileHandle, { start, end }: { start: number; end: number }) {
    this.#handle = handle
    this.#start = start
    this.#end = end
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const stream = this.#handle.createReadStream({
      start: this.#start,
      end: this.#end,
      highWaterMark: Math.min(this.#end - this.#start + 1, 4 * PIECE_BYTES),
    })
    yield* stream
  }

  /** Closes the file without reading it. */
  async close(): Promise<void> {
    await this.#handle.close()
  }

  /**
   * Writes the bytes to a stream that consumes each piece before it calls back, as a connection does, and ends it. The next piece
   * is read while the last one is written. Throws when the file cannot be read, is shorter, or the stream is closed.
   */
  async sendTo(target: Writable): Promise<void> {
    const closed = Promise.withResolvers<never>()
    closed.promise.catch(() => undefined)
    const onClose = () => closed.reject(new Error('the stream was closed before the end of the file'))
    target.once('close', onClose)
    try {
      let written: Promise<void> = Promise.resolve()
      for (let position = this.#start; position <= this.#end; ) {
        const piece = kept.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
        const length = Math.min(piece.byteLength, this.#end - position + 1)
        const { bytesRead } = await this.#handle.read(piece, 0, length, position)
        await Promise.race([written, closed.promise])
        if (bytesRead === 0) throw new Error('the file is shorter than it was')
        position += bytesRead
        written = write(target, piece.subarray(0, bytesRead)).then(() => {
          // After a failure it might still be in use, and is not used again.
          if (kept.length < MAX_KEPT) kept.push(piece)
        })
        written.catch(() => undefined)
      }
      await Promise.race([written, closed.promise])
      target.end()
    } finally {
      target.off('close', onClose)
      await this.#handle.close()
    }
  }
}

/** Bytes of a short file, which is closed. */
export class HeldBytes implements AsyncIterable<Uint8Array> {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#bytes.byteLength > 0) yield this.#bytes
  }

  async close(): Promise<void> {}

  async sendTo(target: Writable): Promise<void> {
    target.end(this.#bytes)
  }
}

function write(target: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
