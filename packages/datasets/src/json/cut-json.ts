import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { explainJsonError } from './explain-json-error.ts'
import { QUOTE, scanString, scanValue, skipSpace, toKey } from './scan-value.ts'

/** One element of a top-level array, as bytes. They are valid until the callback returns. */
export interface JsonElement {
  bytes: Buffer
  /** The same memory, for `scanValue`. */
  words: Int32Array
  start: number
  end: number
  /** Position of the first byte in the file. */
  offset: number
  /** Where the value of the member `find` begins in `bytes`; -1 when the element does not have it. */
  found: number
  /** Position in its array, starting at 0. */
  index: number
}

export interface CutArray {
  onElement(element: JsonElement): void
  /** A member to find at the top of each element. */
  find?: string | undefined
}

export interface CutJsonOptions {
  /** The top-level arrays to cut into elements, by name. Every other member is parsed and returned. */
  arrays: Readonly<Record<string, CutArray>>
  /** The largest element or other member. A larger one is a `DatasetError`. Default 256 MiB. */
  maxValueBytes?: number | undefined
  /** Bytes to read at once, a multiple of 4. Default 4 MiB. */
  chunkBytes?: number | undefined
  /** Called after each top-level member and element; true stops reading. For reading the head of a file. */
  isEnough?: (() => boolean) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Cuts the top-level arrays of a JSON file of any size into their elements at byte level, in constant memory: strings of
 * V8 are limited to 512 MiB. Returns the other members. Throws `DatasetError` with `name` and the position for invalid JSON.
 */
export async function cutJson(file: string, name: string, options: CutJsonOptions): Promise<Record<string, unknown>> {
  const { arrays, isEnough = () => false, signal } = options
  const window = new Window(file, name, options)
  try {
    window.checkStart()
    const members: Record<string, unknown> = {}
    const seen = new Set<string>()
    if (window.next('the top level') !== 0x7b) {
      throw window.error('begins with a value that is not an object; expected "{"')
    }
    window.position++
    if (window.next('the top level') === 0x7d) {
      window.position++
    } else {
      for (;;) {
        if (window.next('the top level') !== QUOTE) throw window.error(window.explain('the name of a member'))
        const key = window.value('the name of a member', (bytes, start, end) => toKey(bytes, start, end))
        if (seen.has(key)) throw window.error(`has two members ${JSON.stringify(key)} at its top level; expected one`)
        seen.add(key)
        if (window.next('the top level') !== 0x3a) throw window.error(window.explain('":"'))
        window.position++
        const first = window.next(`"${key}"`)
        const cut = Object.hasOwn(arrays, key) ? arrays[key] : undefined
        if (cut !== undefined && first === 0x5b) await cutArray(window, key, cut, isEnough, signal)
        else {
          const value = window.value(`"${key}"`, (bytes, start, end) => parse(name, key, bytes, start, end))
          // Not by assignment: a member `__proto__` would change the prototype of the object.
          Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true })
        }
        if (isEnough()) return members
        const after = window.next('the top level')
        window.position++
        if (after === 0x7d) break
        if (after !== 0x2c) throw window.error(window.explain('"," or "}"', -1))
        if (window.next('the top level') === 0x7d) throw window.error('has a trailing comma before "}"')
      }
    }
    if (!window.isAtEnd()) throw window.error('continues after the end of its top-level object')
    return members
  } finally {
    window.close()
  }
}

async function cutArray(
  window: Window,
  key: string,
  { onElement, find }: CutArray,
  isEnough: () => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  window.position++
  if (window.next(`"${key}"`) === 0x5d) {
    window.position++
    return
  }
  const name = find === undefined ? undefined : Buffer.from(`"${find}"`)
  const element: JsonElement = {
    bytes: window.bytes,
    words: window.words,
    start: 0,
    end: 0,
    offset: 0,
    found: -1,
    index: 0,
  }
  let chunks = window.chunks
  for (let index = 0; ; index++) {
    window.element(element, name, key, index)
    element.index = index
    onElement(element)
    if (isEnough()) return
    if (window.chunks !== chunks) {
      // Cancellation and heartbeats must get through while gigabytes are read.
      chunks = window.chunks
      await setImmediate()
      signal?.throwIfAborted()
    }
    const after = window.next(`"${key}"`)
    window.position++
    if (after === 0x5d) return
    if (after !== 0x2c) throw window.error(window.explain(`"," or "]" after ${key}[${index}]`, -1))
    if (window.next(`"${key}"`) === 0x5d) throw window.error(`has a trailing comma after ${key}[${index}]`)
  }
}

function parse(file: string, name: string, bytes: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch (error) {
    throw explainJsonError(`"${name}" in ${file}`, bytes.subarray(start, end), error)
  }
}

/** A moving view of a file. The value at the position is completely in `bytes`. */
class Window {
  bytes: Buffer
  position = 0
  chunks = 0
  words: Int32Array
  #length = 0
  #base = 0
  #isEof = false
  readonly #handle: number
  readonly #name: string
  readonly #maxValueBytes: number
  readonly #scan = { found: -1 }

  constructor(file: string, name: string, { chunkBytes = 4 << 20, maxValueBytes = 256 << 20 }: CutJsonOptions) {
    this.#handle = openSync(file, 'r')
    this.#name = name
    this.#maxValueBytes = maxValueBytes
    this.bytes = Buffer.allocUnsafeSlow(chunkBytes)
    this.words = new Int32Array(this.bytes.buffer)
    this.#fill(0)
  }

  close(): void {
    closeSync(this.#handle)
  }

  checkStart(): void {
    const [a, b, c] = this.bytes
    const length = this.#length
    if (length === 0) throw new DatasetError(`${this.#name} is empty; expected JSON`)
    if (a === 0xef && b === 0xbb && c === 0xbf) this.position = 3
    const isUtf16 = (a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe) || a === 0 || (length > 1 && b === 0)
    if (isUtf16) throw new DatasetError(`${this.#name} is UTF-16 or UTF-32 text; expected JSON in UTF-8`)
    if (a === 0x1f && b === 0x8b) throw new DatasetError(`${this.#name} is compressed with gzip; expected JSON`)
  }

  error(what: string): DatasetError {
    return new DatasetError(`${this.#name} ${what} (at byte ${this.#base + this.position})`)
  }

  /** Describes the bytes at the position, where `expected` should be. */
  explain(expected: string, back = 0): string {
    const text = this.bytes.toString('utf8', this.position + back, Math.min(this.#length, this.position + back + 20))
    return `is not JSON: found ${JSON.stringify(text)}, expected ${expected}`
  }

  isAtEnd(): boolean {
    for (;;) {
      this.position = skipSpace(this.bytes, this.position, this.#length)
      if (this.position < this.#length) return false
      if (!this.#fill(this.position)) return true
    }
  }

  /** The next byte that is not a space. */
  next(where: string): number {
    for (;;) {
      this.position = skipSpace(this.bytes, this.position, this.#length)
      const byte = this.bytes[this.position]
      if (this.position < this.#length && byte !== undefined) return byte
      if (!this.#fill(this.position)) throw this.error(`ends in the middle of ${where}`)
    }
  }

  /** Calls `use` with the whole value at the position, and moves behind it. */
  value<T>(where: string, use: (bytes: Buffer, start: number, end: number) => T): T {
    const end = this.#scanWhole(where, undefined)
    const result = use(this.bytes, this.position, end)
    this.position = end
    return result
  }

  element(element: JsonElement, find: Uint8Array | undefined, key: string, index: number): void {
    const end = this.#scanWhole(key, find, index)
    element.bytes = this.bytes
    element.words = this.words
    element.start = this.position
    element.end = end
    element.offset = this.#base + this.position
    element.found = this.#scan.found
    this.position = end
  }

  #scanWhole(where: string, find: Uint8Array | undefined, index?: number): number {
    for (;;) {
      const { bytes, position } = this
      const end =
        bytes[position] === QUOTE
          ? scanString(bytes, position, this.#length)
          : scanValue(bytes, position, this.#length, this.words, find, this.#scan)
      // A number only ends at the next byte or at the end of the file.
      if (end > 0 && (end < this.#length || this.#isEof)) return end
      const place = index === undefined ? where : `${where}[${index}]`
      if (end === -2) throw this.error(`is nested deeper than 512 levels in ${place}`)
      if (end === -3) throw this.error(this.explain(`a value (${place})`))
      if (!this.#fill(position)) throw this.error(`ends in the middle of ${place}`)
      if (this.#length - this.position > this.#maxValueBytes) {
        throw this.error(`has more than ${this.#maxValueBytes} bytes in ${place} alone`)
      }
    }
  }

  /** Reads more, and keeps the bytes from `keep` on. The buffer grows for a larger value. False at the end of the file. */
  #fill(keep: number): boolean {
    if (this.#isEof) return false
    const kept = this.#length - keep
    if (keep > 0) this.bytes.copyWithin(0, keep, this.#length)
    else if (kept === this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2)
      this.bytes.copy(larger, 0, 0, kept)
      this.bytes = larger
      this.words = new Int32Array(larger.buffer)
    }
    this.#base += keep
    this.position -= keep
    this.#length = kept
    const read = readSync(this.#handle, this.bytes, kept, this.bytes.length - kept, this.#base + kept)
    this.#length += read
    this.chunks++
    if (read === 0) this.#isEof = true
    return true
  }
}
