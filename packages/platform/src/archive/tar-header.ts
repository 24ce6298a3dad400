import { TrainyardError } from '../errors.ts'

export const BLOCK_BYTES = 512

/** One header block of a tar archive (POSIX ustar, with GNU's way to write large numbers). */
export interface TarHeader {
  name: string
  sizeBytes: number
  mode: number
  /** The single character of the type field; `\0` counts as `0`. */
  type: string
  linkName: string
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Reads a header block; undefined for a block of zeros, which marks the end. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  if (octal(block.subarray(148, 156)) !== checksum(block)) {
    throw new TrainyardError('unprocessable', 'This is no tar archive, or a damaged one: a header’s checksum is wrong')
  }
  const name = text(block.subarray(0, 100), 'name')
  const prefix = block.subarray(257, 262).toString('latin1') === 'ustar' ? text(block.subarray(345, 500), 'name') : ''
  const isGnu = block.subarray(257, 265).toString('latin1') === 'ustar  \0'
  const type = String.fromCharCode(block[156] ?? 0)
  return {
    // GNU keeps other things where POSIX has the prefix.
    name: prefix === '' || isGnu ? name : `${prefix}/${name}`,
    sizeBytes: number(block.subarray(124, 136)),
    mode: number(block.subarray(100, 108)),
    type: type === '\0' ? '0' : type,
    linkName: text(block.subarray(157, 257), 'link'),
  }
}

/** Text up to the first zero. @throws TrainyardError when it is not UTF-8 */
export function text(field: Uint8Array, what: string): string {
  const end = field.indexOf(0)
  const bytes = end === -1 ? field : field.subarray(0, end)
  try {
    return decoder.decode(bytes)
  } catch (error) {
    const shown = Buffer.from(bytes).toString('latin1').slice(0, 100)
    throw new TrainyardError('unprocessable', `The ${what} of the entry ${JSON.stringify(shown)} is not UTF-8`, {
      cause: error,
    })
  }
}

/** The records of a PAX header: `length key=value\n`, again and again. */
export function parsePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>()
  let offset = 0
  while (offset < body.length) {
    const space = body.indexOf(0x20, offset)
    const length = space === -1 ? Number.NaN : Number(body.subarray(offset, space).toString('latin1'))
    const end = offset + length
    const equals = body.indexOf(0x3d, space)
    if (!Number.isInteger(length) || length <= 0 || end > body.length || equals === -1 || equals >= end) {
      throw new TrainyardError('unprocessable', 'The archive has a PAX header that cannot be read')
    }
    records.set(
      body.subarray(space + 1, equals).toString('latin1'),
      text(body.subarray(equals + 1, end - 1), 'PAX record'),
    )
    offset = end
  }
  return records
}

function number(field: Buffer): number {
  const [first = 0] = field
  if ((first & 0x80) === 0) return octal(field)
  // GNU: the high bit, then a big-endian number.
  let value = first & 0x7f
  for (const byte of field.subarray(1)) value = value * 256 + byte
  if (!Number.isSafeInteger(value))
    throw new TrainyardError('unprocessable', 'The archive has an entry of impossible size')
  return value
}

function octal(field: Buffer): number {
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw new TrainyardError('unprocessable', 'This is no tar archive, or a damaged one')
  return Number.parseInt(digits, 8)
}

/** The sum of all bytes, the checksum's own field read as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}
