import { TrainyardError } from '../errors.ts'

/** Reads a stream in pieces of wanted sizes, holding no more than one of its chunks besides them. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** At most this many bytes, at least one; undefined at the end. */
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

  /** Exactly this many bytes; undefined if the stream ends right here. */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = []
    let missing = bytes
    while (missing > 0) {
      const piece = await this.some(missing)
      if (piece === undefined) {
        if (missing === bytes) return undefined
        throw new TrainyardError('unprocessable', 'The archive ends in the middle of an entry')
      }
      pieces.push(piece)
      missing -= piece.length
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  }

  /** Tells the source that nothing more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
