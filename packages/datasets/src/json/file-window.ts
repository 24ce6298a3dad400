import { closeSync, openSync, readSync } from 'node:fs'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/** Bytes to read ahead while pieces are requested in order. */
const READ_AHEAD = 128 * 1024
const FIRST_SIZE = 16 * 1024

/** Reads pieces of a file by position. It reads ahead while they are requested in order. */
export class FileWindow {
  readonly #handle: number
  /** The memory of the last piece. */
  bytes = Buffer.allocUnsafeSlow(FIRST_SIZE)
  /** The same memory, for `scanValue`. */
  words = new Int32Array(this.bytes.buffer)
  #base = 0
  #length = 0
  #next = -1

  constructor(file: string) {
    this.#handle = openSync(file, 'r')
  }

  /** Reads a piece and returns where it begins in `bytes`. Valid until the next call. */
  read(offset: number, length: number): number {
    const from = offset - this.#base
    // A small gap (a comma, spaces) still counts as in order.
    const isInOrder = offset - this.#next >= 0 && offset - this.#next < 64
    this.#next = offset + length
    if (from >= 0 && from + length <= this.#length) return from
    const requested = isInOrder ? length + READ_AHEAD : length
    if (requested > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(Math.ceil(requested / 4) * 4)
      this.words = new Int32Array(this.bytes.buffer)
    }
    this.#base = offset
    this.#length = readSync(this.#handle, this.bytes, 0, requested, offset)
    if (this.#length < length) throw new DatasetError('An annotation file became shorter while it was read')
    return 0
  }

  close(): void {
    closeSync(this.#handle)
  }
}
