import { TrainyardError } from '../../errors.ts'
import { parseText } from './header-block.ts'

/** Parses the records of a PAX header, each `LENGTH KEY=VALUE\n`. */
export function parsePax(body: Buffer): Map<string, string> {
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
    records.set(key, parseText(body.subarray(equals + 1, end - 1), 'PAX record'))
    offset = end
  }
  return records
}

/** A decimal number; NaN for any other text, for example "1e3" or "-1". */
export function parseDigits(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}
