const SPACE = 0x20
const NEWLINE = 0x0a
const ZERO = 0x30
const POINT = 0x2e

/**
 * The text of one label file, as bytes that are used again for the next: a data set has hundreds of thousands of rows,
 * and making strings of their numbers costs more than everything else.
 */
export class LabelBuffer {
  #bytes = Buffer.allocUnsafeSlow(1 << 16)
  #length = 0
  #rowStart = 0
  readonly #decimals: number
  readonly #scale: number
  #rows = 0
  /** Start, end and hash of each row: to find the same row again. */
  #index = new Int32Array(3 * 64)

  /** `decimals`: digits after the point, 1 to 15. */
  constructor(decimals: number) {
    this.#decimals = Math.min(Math.max(Math.trunc(decimals), 1), 15)
    this.#scale = 10 ** this.#decimals
  }

  /** Starts a new file. */
  clear(): void {
    this.#length = 0
    this.#rowStart = 0
    this.#rows = 0
  }

  /** The file so far; valid until the next change. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Whether a share would be written as `0`. */
  isZero(share: number): boolean {
    return Math.round(share * this.#scale) <= 0
  }

  /** Starts a row with its class. */
  startRow(classId: number): void {
    this.#rowStart = this.#length
    this.#reserve()
    this.#writeInteger(classId, 1)
  }

  /** Adds a small whole number: the visibility of a keypoint. */
  addInteger(value: number): void {
    this.#reserve()
    this.#bytes[this.#length++] = SPACE
    this.#writeInteger(value, 1)
  }

  /** Adds a share of the image, from 0 to 1: fixed digits, without zeros at the end. */
  addShare(share: number): void {
    this.#reserve()
    const bytes = this.#bytes
    bytes[this.#length++] = SPACE
    let scaled = Math.round(share * this.#scale)
    if (scaled >= this.#scale) {
      bytes[this.#length++] = ZERO + 1
      return
    }
    bytes[this.#length++] = ZERO
    if (!(scaled > 0)) return
    bytes[this.#length++] = POINT
    let digits = this.#decimals
    while (scaled % 10 === 0) {
      scaled /= 10
      digits--
    }
    this.#writeInteger(scaled, digits)
  }

  /** Ends the row. False, and the row is gone, when the file has the same already: loaders drop such rows. */
  endRow(): boolean {
    const bytes = this.#bytes
    const start = this.#rowStart
    const end = this.#length
    let hash = 0
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
    for (let row = 0; row < this.#rows; row++) {
      if (this.#index[row * 3 + 2] !== hash) continue
      const otherStart = this.#index[row * 3] as number
      const otherEnd = this.#index[row * 3 + 1] as number
      if (bytes.compare(bytes, otherStart, otherEnd, start, end) === 0) {
        this.#length = start
        return false
      }
    }
    if (this.#rows * 3 === this.#index.length) {
      const larger = new Int32Array(this.#index.length * 2)
      larger.set(this.#index)
      this.#index = larger
    }
    this.#index.set([start, end, hash], this.#rows * 3)
    this.#rows++
    bytes[this.#length++] = NEWLINE
    this.#rowStart = this.#length
    return true
  }

  #writeInteger(value: number, minDigits: number): void {
    let digits = minDigits
    for (let rest = 10 ** minDigits; rest <= value; rest *= 10) digits++
    let left = value
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const next = Math.floor(left / 10)
      this.#bytes[at] = ZERO + (left - next * 10)
      left = next
    }
    this.#length += digits
  }

  /** Room for one number and the end of the row. */
  #reserve(): void {
    if (this.#length + 32 <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
