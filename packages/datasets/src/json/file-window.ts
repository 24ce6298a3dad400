import { closeSync, openSync, readSync } from 'node:fs'
import { DatasetError } from '@trainyard/contract/trainer-errors'

/** Bytes read beyond what was asked for, when it is asked for in order. */
const READ_AHEAD = 128 * 1024
const FIRST_SIZE = 16 * 1024

/** Pieces of a file by place: read ahead when they come in order, alone when they do not. */
export class FileWindow {
  readonly #handle: number
  /** The memory in which the last piece lies. */
  bytes = Buffer.allocUnsafeSlow(FIRST_SIZE)
  /** The same memory, as `scanValue` wants it. */
  words = new Int32Array(this.bytes.buffer)
  #base = 0
  #length = 0
  #next = -1

  constructor(file: string) {
    this.#handle = openSync(file, 'r')
  }

  /** Reads a piece; returns where it begins in `bytes`. Valid until the next call. */
  read(offset: number, length: number): number {
    const from = offset - this.#base
    // A little gap (a comma, spaces) still counts as in order.
    const isInOrder = offset - this.#next >= 0 && offset - this.#next < 64
    this.#next = offset + length
    if (from >= 0 && from + length <= this.#length) return from
    const wanted = isInOrder ? length + READ_AHEAD : length
    if (wanted > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(Math.ceil(wanted / 4) * 4)
      this.words = new Int32Array(this.bytes.buffer)
    }
    this.#base = offset
    this.#length = readSync(this.#handle, this.bytes, 0, wanted, offset)
    if (this.#length < length) throw new DatasetError('An annotation file became shorter while it was read')
    return 0
  }

  close(): void {
    closeSync(this.#handle)
  }
}
