import { TrainyardError } from '../errors.ts'

/** Reads a stream in pieces of given sizes. It buffers at most one chunk of the stream. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** At least one byte and at most this many; undefined at the end. */
  async some(maxBytes: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done === true) return undefined
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    const piece = this.#rest.subarray(0, maxBytes)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  /** Exactly this many bytes; undefined at the end of the stream. Throws when the stream ends in between. */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    const piece = await this.#upTo(bytes)
    if (piece.length === 0 && bytes > 0) return undefined
    if (piece.length < bytes) throw new TrainyardError('unprocessable', 'The archive ends in the middle of an entry')
    return piece
  }

  /** The next bytes without consuming them: this many, or fewer at the end of the stream. */
  async peek(bytes: number): Promise<Buffer> {
    const head = await this.#upTo(bytes)
    this.#rest = Buffer.concat([head, this.#rest])
    return head
  }

  /** Returns bytes that were read, so that they are read again. */
  unread(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest])
  }

  /** All bytes that follow. Closes the source at the end, also when the caller stops early. */
  async *remaining(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const piece = await this.some(256 * 1024)
        if (piece === undefined) return
        yield piece
      }
    } finally {
      await this.close()
    }
  }

  /** Tells the source that no more bytes are needed. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #upTo(bytes: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let missing = bytes; missing > 0; ) {
      const piece = await this.some(missing)
      if (piece === undefined) break
      pieces.push(piece)
      missing -= piece.length
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }
}
