import { TrainyardError } from '../../errors.ts'
import { type DecodeText, parseText } from './header-block.ts'

/** Other records, for example extended attributes, may hold any bytes. */
const USED_KEYS = new Set(['path', 'linkpath', 'size'])

/** Parses the records of a PAX header, each `LENGTH KEY=VALUE\n`. */
export function parsePax(body: Buffer, decode: DecodeText): Map<string, string> {
  const records = new Map<string, string>()
  let offset = 0
  while (offset < body.length) {
    const space = body.indexOf(0x20, offset)
    const length = space === -1 ? Number.NaN : parseDigits(body.subarray(offset, space).toString('latin1'))
    const end = offset + length
    const equals = body.indexOf(0x3d, space)
    if (!Number.isSafeInteger(length) || end <= space || end > body.length || equals === -1 || equals >= end) {
      throw new TrainyardError('unprocessable', 'The archive has an invalid PAX header')
    }
    const key = body.subarray(space + 1, equals).toString('latin1')
    const value = body.subarray(equals + 1, end - 1)
    if (body[end - 1] !== 0x0a || (value.includes(0) && USED_KEYS.has(key)))
      throw new TrainyardError('unprocessable', 'The archive has an invalid PAX header')
    records.set(key, USED_KEYS.has(key) ? parseText(value, 'PAX record', decode) : '')
    offset = end
  }
  return records
}

/** A decimal number; NaN for any other text, for example "1e3" or "-1". */
export function parseDigits(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}
