import { scanString, scanValue, skipSpace } from '../../json/scan-value.ts'

/** An annotation as it is in the file, unchecked. */
export interface RawAnnotation {
  id: unknown
  categoryId: unknown
  isCrowd: unknown
  area: unknown
  bbox: unknown
  segmentation: unknown
  keypoints: unknown
  /** The kind of outline that was skipped. */
  skipped: 'polygons' | 'mask' | undefined
  /** Everything else. */
  others: [name: string, value: unknown][]
}

const names = {
  id: Buffer.from('"id"'),
  area: Buffer.from('"area"'),
  bbox: Buffer.from('"bbox"'),
  isCrowd: Buffer.from('"iscrowd"'),
  imageId: Buffer.from('"image_id"'),
  keypoints: Buffer.from('"keypoints"'),
  categoryId: Buffer.from('"category_id"'),
  segmentation: Buffer.from('"segmentation"'),
  keypointCount: Buffer.from('"num_keypoints"'),
}

/** Thrown for unusual JSON: then the whole element goes to `JSON.parse`, which reads it or reports the error. */
const UNUSUAL = new Error('unusual')
const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power)

export interface ParseAnnotationOptions {
  /** False skips the outlines of objects that have a box: outlines are nine tenths of a file. */
  outlines: boolean
}

/**
 * Parses the annotation between two positions. Half of a COCO file are coordinates of two decimals: reading them from the
 * bytes takes an eighth of the time of `JSON.parse` and creates no strings.
 */
export function parseAnnotation(
  bytes: Buffer,
  words: Int32Array,
  start: number,
  end: number,
  { outlines }: ParseAnnotationOptions,
): RawAnnotation {
  try {
    return new Scanner(bytes, words, start, end, outlines).annotation()
  } catch (error) {
    if (error !== UNUSUAL) throw error
    return fromObject(JSON.parse(bytes.toString('utf8', start, end)))
  }
}

function fromObject(value: unknown): RawAnnotation {
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const { id, category_id, iscrowd, area, bbox, segmentation, keypoints, ...rest } = object
  const { image_id: _, num_keypoints: __, ...others } = rest
  return {
    id,
    categoryId: category_id,
    isCrowd: iscrowd,
    area,
    bbox,
    segmentation,
    keypoints,
    skipped: undefined,
    others: Object.entries(others),
  }
}

class Scanner {
  readonly #bytes: Buffer
  readonly #words: Int32Array
  readonly #end: number
  readonly #outlines: boolean
  #at: number
  #outlineAt = -1

  constructor(bytes: Buffer, words: Int32Array, start: number, end: number, outlines: boolean) {
    this.#outlines = outlines
    this.#bytes = bytes
    this.#words = words
    this.#at = start
    this.#end = end
  }

  annotation(): RawAnnotation {
    const raw: RawAnnotation = {
      id: undefined,
      categoryId: undefined,
      isCrowd: undefined,
      area: undefined,
      bbox: undefined,
      segmentation: undefined,
      keypoints: undefined,
      skipped: undefined,
      others: [],
    }
    this.#expect(0x7b)
    if (this.#peek() === 0x7d) return raw
    for (;;) {
      this.#member(raw)
      const after = this.#peek()
      this.#at++
      if (after === 0x7d) break
      if (after !== 0x2c) throw UNUSUAL
    }
    if (this.#outlineAt >= 0) this.#outline(raw)
    return raw
  }

  /** Reads the skipped outline after all when the box cannot be used. */
  #outline(raw: RawAnnotation): void {
    this.#at = this.#outlineAt
    const isObject = this.#bytes[this.#at] === 0x7b
    if (Array.isArray(raw.bbox) && raw.bbox.length === 4) {
      this.#at++
      if (isObject) raw.skipped = 'mask'
      else if (this.#peek() !== 0x5d) raw.skipped = 'polygons'
    } else raw.segmentation = isObject ? this.#any() : this.#rings()
  }

  #member(raw: RawAnnotation): void {
    if (this.#peek() !== 0x22) throw UNUSUAL
    const start = this.#at
    const after = scanString(this.#bytes, start, this.#end)
    if (after < 0) throw UNUSUAL
    this.#at = after
    this.#expect(0x3a)
    const first = this.#peek()
    const is = (name: Buffer) => this.#isName(start, after, name)
    if (is(names.segmentation)) {
      if (this.#outlines || (first !== 0x5b && first !== 0x7b)) {
        raw.segmentation = first === 0x5b ? this.#rings() : this.#any()
      } else this.#skipOutline()
    } else if (is(names.bbox)) raw.bbox = first === 0x5b ? this.#numbers() : this.#any()
    else if (is(names.categoryId)) raw.categoryId = this.#scalar(first)
    else if (is(names.id)) raw.id = this.#scalar(first)
    else if (is(names.imageId) || is(names.keypointCount)) this.#any()
    else if (is(names.isCrowd)) raw.isCrowd = this.#scalar(first)
    else if (is(names.area)) raw.area = this.#scalar(first)
    else if (is(names.keypoints)) raw.keypoints = first === 0x5b ? this.#numbers() : this.#any()
    else raw.others.push([this.#text(start, after) as string, this.#any()])
  }

  #skipOutline(): void {
    this.#outlineAt = this.#at
    const after = scanValue(this.#bytes, this.#at, this.#end, this.#words)
    if (after < 0) throw UNUSUAL
    this.#at = after
  }

  /** `[[…], […]]`, or any other value. */
  #rings(): unknown {
    const from = this.#at
    this.#at++
    const rings: number[][] = []
    let next = this.#peek()
    if (next === 0x5d) {
      this.#at++
      return rings
    }
    if (next !== 0x5b) {
      this.#at = from
      return this.#any()
    }
    for (;;) {
      if (next !== 0x5b) throw UNUSUAL
      rings.push(this.#numbers())
      const after = this.#peek()
      this.#at++
      if (after === 0x5d) return rings
      if (after !== 0x2c) throw UNUSUAL
      next = this.#peek()
    }
  }

  #numbers(): number[] {
    this.#at++
    const numbers: number[] = []
    if (this.#peek() === 0x5d) {
      this.#at++
      return numbers
    }
    for (;;) {
      this.#peek()
      numbers.push(this.#number())
      const after = this.#peek()
      this.#at++
      if (after === 0x5d) return numbers
      if (after !== 0x2c) throw UNUSUAL
    }
  }

  #scalar(first: number): unknown {
    return first === 0x2d || (first >= 0x30 && first <= 0x39) ? this.#number() : this.#any()
  }

  /** Gives exactly what `JSON.parse` gives: an integer below 2^53 divided by a power of ten up to 10^15 is rounded once. */
  #number(): number {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    let byte = bytes[at] as number
    const isNegative = byte === 0x2d
    if (isNegative) byte = bytes[++at] as number
    const first = byte
    const firstAt = at
    let value = 0
    while (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + (byte - 0x30)
      byte = bytes[++at] as number
    }
    let digits = at - firstAt
    if (digits === 0 || (first === 0x30 && digits > 1)) throw UNUSUAL
    let power = 0
    if (byte === 0x2e) {
      const pointAt = at
      byte = bytes[++at] as number
      while (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + (byte - 0x30)
        byte = bytes[++at] as number
      }
      power = at - pointAt - 1
      if (power === 0) throw UNUSUAL
      digits += power
    }
    if (digits > 15 || byte === 0x65 || byte === 0x45) {
      const value = this.#any()
      if (typeof value !== 'number') throw UNUSUAL
      return value
    }
    this.#at = at
    if (power > 0) value /= POWERS[power] as number
    return isNegative ? -value : value
  }

  /** Parses any value with `JSON.parse`. */
  #any(): unknown {
    const start = this.#at
    const after = scanValue(this.#bytes, start, this.#end, this.#words)
    if (after < 0) throw UNUSUAL
    this.#at = after
    return this.#text(start, after)
  }

  #text(start: number, after: number): unknown {
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, after))
    } catch {
      throw UNUSUAL
    }
  }

  #isName(start: number, after: number, name: Buffer): boolean {
    if (after - start !== name.length) return false
    for (let index = 1; index < name.length - 1; index++) {
      if (this.#bytes[start + index] !== name[index]) return false
    }
    return true
  }

  #peek(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at] as number
    if (byte <= 0x20) {
      this.#at = skipSpace(bytes, this.#at, this.#end)
      byte = bytes[this.#at] as number
    }
    if (this.#at >= this.#end) throw UNUSUAL
    return byte
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) throw UNUSUAL
    this.#at++
  }
}
