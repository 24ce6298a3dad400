const SPACE = 0x20
const NEWLINE = 0x0a
const ZERO = 0x30
const POINT = 0x2e
/** `000` to `999`. */
const DIGITS = Buffer.from(Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0')).join(''))

/**
 * The text of one label file, as bytes that are reused for the next file. A dataset has hundreds of thousands of rows, and
 * formatting their numbers as strings costs more than all the rest.
 */
export class LabelBuffer {
  #bytes = Buffer.allocUnsafeSlow(1 << 16)
  #length = 0
  #rowStart = 0
  /** Hash of the numbers of the row so far: cheaper than a hash of its bytes. */
  #hash = 0
  readonly #decimals: number
  readonly #scale: number
  /** Groups of three digits after the point, and the factor that pads the last group. 0 groups: more digits than 32 bits hold. */
  readonly #groups: number
  readonly #padding: number
  #rows = 0
  /** Start, end and hash of each row, to find duplicates. */
  #index = new Int32Array(3 * 64)

  /** `decimals`: digits after the point, from 1 to 15. */
  constructor(decimals: number) {
    this.#decimals = Math.min(Math.max(Math.trunc(decimals), 1), 15)
    this.#scale = 10 ** this.#decimals
    this.#groups = this.#decimals <= 9 ? Math.ceil(this.#decimals / 3) : 0
    this.#padding = 10 ** (this.#groups * 3 - this.#decimals)
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

  /** Whether two shares this far apart can be written as the same digits. */
  isFlat(extent: number): boolean {
    return extent * this.#scale < 1
  }

  /** Starts a row with a class. */
  startRow(classId: number): void {
    this.#rowStart = this.#length
    this.#hash = classId | 0
    this.#reserve()
    this.#writeInteger(classId, 1)
  }

  /** Adds a small whole number: the visibility of a keypoint. */
  addInteger(value: number): void {
    this.#hash = (Math.imul(this.#hash, 31) + value) | 0
    this.#reserve()
    this.#bytes[this.#length++] = SPACE
    this.#writeInteger(value, 1)
  }

  /** Adds a share of the image, from 0 to 1, without trailing zeros. */
  addShare(share: number): void {
    this.#reserve()
    const bytes = this.#bytes
    const scaled = Math.round(share * this.#scale)
    this.#hash = (Math.imul(this.#hash, 31) + scaled) | 0
    let at = this.#length
    bytes[at++] = SPACE
    if (scaled >= this.#scale) bytes[at++] = ZERO + 1
    else {
      bytes[at++] = ZERO
      if (scaled > 0) {
        bytes[at++] = POINT
        at = this.#groups > 0 ? this.#writeGroups(scaled, at) : this.#writeDigits(scaled, this.#decimals, at)
        while (bytes[at - 1] === ZERO) at--
      }
    }
    this.#length = at
  }

  /** Writes three digits at a time from a table: outlines have tens of millions of numbers. */
  #writeGroups(scaled: number, at: number): number {
    const bytes = this.#bytes
    const end = at + this.#groups * 3
    let left = (scaled * this.#padding) | 0
    for (let group = end - 3; group >= at; group -= 3) {
      const rest = (left / 1000) | 0
      const digits = (left - rest * 1000) * 3
      bytes[group] = DIGITS[digits] as number
      bytes[group + 1] = DIGITS[digits + 1] as number
      bytes[group + 2] = DIGITS[digits + 2] as number
      left = rest
    }
    return end
  }

  #writeDigits(value: number, digits: number, at: number): number {
    let left = value
    for (let place = at + digits - 1; place >= at; place--) {
      const next = Math.floor(left / 10)
      this.#bytes[place] = ZERO + (left - next * 10)
      left = next
    }
    return at + digits
  }

  /** Ends the row. Returns false and removes the row when the file has an identical one: loaders drop such rows. */
  endRow(): boolean {
    const bytes = this.#bytes
    const start = this.#rowStart
    const end = this.#length
    const hash = this.#hash
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
    const at = this.#rows * 3
    this.#index[at] = start
    this.#index[at + 1] = end
    this.#index[at + 2] = hash
    this.#rows++
    bytes[this.#length++] = NEWLINE
    this.#rowStart = this.#length
    return true
  }

  #writeInteger(value: number, minDigits: number): void {
    let digits = minDigits
    for (let rest = 10 ** minDigits; rest <= value; rest *= 10) digits++
    this.#length = this.#writeDigits(value, digits, this.#length)
  }

  /** Makes room for one number and the end of the row. */
  #reserve(): void {
    if (this.#length + 32 <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
