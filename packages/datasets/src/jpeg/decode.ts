import { DatasetError } from '@trainyard/contract/trainer-errors'
import { createHuffmanTable, type HuffmanTable } from './entropy.ts'
import { type Component, type Frame, readScan, type Scan, ZIGZAG } from './scan.ts'
import { type ColourTransform, toRgb } from './to-rgb.ts'

export interface DecodeJpegOptions {
  /** 8 gives an eighth of the width and height, from the mean of each block: many times faster. Default 1. */
  reduce?: 1 | 8
  /** An image with more pixels is refused. Default 100 million. */
  maxPixels?: number
}

/**
 * Decodes a JPEG, sequential or progressive, to RGB as it is stored: EXIF rotation is not applied. One that is cut off is
 * decoded as far as it goes. Throws `DatasetError` naming `name` for one that is none, or of a kind that no camera makes
 * (arithmetic coding, lossless, 12 bits). https://www.w3.org/Graphics/JPEG/itu-t81.pdf
 */
export function decodeJpeg(
  data: Uint8Array,
  name: string,
  { reduce = 1, maxPixels = 100_000_000 }: DecodeJpegOptions = {},
): { width: number; height: number; data: Uint8Array } {
  const fail: (what: string) => never = (what) => {
    throw new DatasetError(`Image "${name}" cannot be decoded: ${what}`)
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (data.length < 4 || view.getUint16(0) !== 0xffd8) fail('it is no JPEG')
  const quantization: Uint16Array[] = []
  const tables: { dc: HuffmanTable[]; ac: HuffmanTable[] } = { dc: [], ac: [] }
  let frame: Frame | undefined
  let restartInterval = 0
  let transform: ColourTransform | undefined
  let scans = 0

  for (let position = 2; position + 4 <= data.length; ) {
    if (data[position] !== 0xff || data[position + 1] === 0xff || data[position + 1] === 0) {
      position++
      continue
    }
    const marker = data[position + 1] ?? 0
    position += 2
    if (marker === 0xd9) break
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue
    const end = Math.min(data.length, position + view.getUint16(position))
    const body = data.subarray(position + 2, end)
    position = Math.max(end, position + 2)
    if (marker === 0xdb) readQuantization(body, quantization)
    else if (marker === 0xc4) readHuffman(body, tables)
    else if (marker === 0xdd) restartInterval = ((body[0] ?? 0) << 8) | (body[1] ?? 0)
    else if (marker === 0xee && Buffer.from(body.subarray(0, 5)).toString('latin1') === 'Adobe')
      transform = body[11] === 0 ? 'none' : 'ycc'
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) {
      if (marker > 0xc2) fail(`its kind (SOF${marker - 0xc0}) is not supported`)
      if (frame !== undefined) fail('it has several frames')
      frame = readFrame(body, marker === 0xc2, maxPixels, fail)
    } else if (marker === 0xda) {
      if (frame === undefined) return fail('a scan comes before the frame')
      // A few bytes can ask for the same work over and over.
      if (++scans > 200) fail('it has more than 200 scans')
      position = readScan(data, position, frame, readScanHead(body, frame, tables, restartInterval, fail))
    }
  }
  if (frame === undefined || scans === 0) return fail('it ends before its pixels')
  return toRgb(frame, quantization, transform, reduce)
}

function readQuantization(body: Uint8Array, tables: Uint16Array[]): void {
  for (let at = 0; at < body.length; ) {
    const head = body[at++] ?? 0
    const table = new Uint16Array(64)
    for (let k = 0; k < 64; k++) {
      const place = ZIGZAG[k] as number
      if (head >> 4 === 0) table[place] = body[at++] ?? 1
      else {
        table[place] = ((body[at] ?? 0) << 8) | (body[at + 1] ?? 1)
        at += 2
      }
    }
    tables[head & 3] = table
  }
}

function readHuffman(body: Uint8Array, tables: { dc: HuffmanTable[]; ac: HuffmanTable[] }): void {
  for (let at = 0; at + 17 <= body.length; ) {
    const head = body[at] ?? 0
    const counts = body.subarray(at + 1, at + 17)
    const total = counts.reduce((sum, count) => sum + count, 0)
    tables[head >> 4 === 0 ? 'dc' : 'ac'][head & 3] = createHuffmanTable(
      counts,
      body.subarray(at + 17, at + 17 + total),
    )
    at += 17 + total
  }
}

function readFrame(body: Uint8Array, isProgressive: boolean, maxPixels: number, fail: (what: string) => never): Frame {
  const [precision = 0, h1 = 0, h2 = 0, w1 = 0, w2 = 0, count = 0] = body
  const [width, height] = [(w1 << 8) | w2, (h1 << 8) | h2]
  if (precision !== 8) fail(`it has ${precision} bits a sample; wanted are 8`)
  if (width === 0 || height === 0 || ![1, 3, 4].includes(count))
    fail(`its frame is ${width} × ${height} of ${count} colours`)
  if (width * height > maxPixels) fail(`it has ${width} × ${height} pixels; wanted are at most ${maxPixels}`)
  const heads = Array.from({ length: count }, (_, index) => {
    const [id = 0, sampling = 0, quantization = 0] = body.subarray(6 + index * 3, 9 + index * 3)
    return { id, h: sampling >> 4, v: sampling & 15, quantization: quantization & 3 }
  })
  if (heads.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4)) fail('its sampling is none')
  const hMax = Math.max(...heads.map(({ h }) => h))
  const vMax = Math.max(...heads.map(({ v }) => v))
  const unitColumns = Math.ceil(width / (8 * hMax))
  const unitRows = Math.ceil(height / (8 * vMax))
  const components = heads.map((head): Component => {
    const stride = unitColumns * head.h
    return {
      ...head,
      columns: Math.ceil(Math.ceil((width * head.h) / hMax) / 8),
      rows: Math.ceil(Math.ceil((height * head.v) / vMax) / 8),
      stride,
      coefficients: new Int16Array(stride * unitRows * head.v * 64),
    }
  })
  return { isProgressive, width, height, unitColumns, unitRows, components }
}

function readScanHead(
  body: Uint8Array,
  frame: Frame,
  tables: { dc: HuffmanTable[]; ac: HuffmanTable[] },
  restartInterval: number,
  fail: (what: string) => never,
): Scan {
  const count = body[0] ?? 0
  const none = new Uint16Array(65_536)
  const components = Array.from({ length: count }, (_, index) => {
    const [id = -1, choice = 0] = body.subarray(1 + index * 2, 3 + index * 2)
    const component = frame.components.find((item) => item.id === id)
    if (component === undefined) return fail(`a scan names the colour ${id}, which the frame does not have`)
    return { component, dc: tables.dc[(choice >> 4) & 3] ?? none, ac: tables.ac[choice & 3] ?? none }
  })
  if (components.length === 0) fail('a scan of no colour')
  const [first = 0, last = 63, bits = 0] = body.subarray(1 + count * 2)
  return {
    components,
    first: Math.min(first, 63),
    last: Math.min(last, 63),
    high: bits >> 4,
    low: Math.min(bits & 15, 13),
    restartInterval,
  }
}
