import { TrainyardError } from '../../errors.ts'

export const BLOCK_BYTES = 512

/** One header block of a tar archive: POSIX ustar, with GNU's encoding of large numbers. */
export interface TarHeader {
  name: string
  sizeBytes: number
  mode: number
  /** The single character of the type field. `\0` is read as `0`. */
  type: string
  /** Whether the type field is `\0`, as in archives before POSIX, where a folder is a file whose name ends in `/`. */
  isOldType: boolean
  /** The target of a link. */
  linkName: string
}

/** Turns the bytes of a name into text; undefined when that is not possible. */
export type DecodeText = (bytes: Uint8Array) => string | undefined

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const decodeUtf8: DecodeText = (bytes) => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Any bytes. Those that are not UTF-8 become lone surrogates, so that two different names stay different. */
export const decodeAnyBytes: DecodeText = (bytes) =>
  decodeUtf8(bytes) ?? Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('')

/** Parses a header block; undefined for a block of zeros, which marks the end of the archive. */
export function parseHeaderBlock(block: Buffer, decode: DecodeText = decodeUtf8): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  if (parseOctal(block.subarray(148, 156)) !== checksumOf(block)) throw notTar('the checksum of a header is wrong')
  const name = parseText(block.subarray(0, 100), 'name', decode)
  const prefix = parseText(prefixOf(block), 'name', decode)
  const type = String.fromCharCode(block[156] ?? 0)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    sizeBytes: parseNumber(block.subarray(124, 136)),
    mode: parseNumber(block.subarray(100, 108)),
    type: type === '\0' ? '0' : type,
    isOldType: type === '\0',
    linkName: parseText(block.subarray(157, 257), 'link name', decode),
  }
}

/** POSIX has a prefix of the name, Schilling's variant a shorter one, and GNU's and the oldest have other fields there. */
function prefixOf(block: Buffer): Buffer {
  const magic = block.subarray(257, 265).toString('latin1')
  if (magic.startsWith('ustar\0'))
    return block.subarray(345, block.subarray(508, 512).toString('latin1') === 'tar\0' ? 476 : 500)
  // Go takes these bytes for a prefix where they are no time.
  if (magic === 'ustar  \0' && !/^[0-7 \0]*$/.test(block.subarray(345, 369).toString('latin1')))
    throw notTar('a time in a header is not octal')
  return block.subarray(0, 0)
}

/** The size of a file with the zeros that fill its last block. */
export function paddedSize(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
}

/**
 * The text before the first zero.
 *
 * @throws TrainyardError `unprocessable` when it is not UTF-8
 */
export function parseText(field: Uint8Array, what: string, decode: DecodeText): string {
  const end = field.indexOf(0)
  const bytes = end === -1 ? field : field.subarray(0, end)
  const text = decode(bytes)
  if (text !== undefined) return text
  const shown = JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 100))
  throw new TrainyardError('unprocessable', `The ${what} of the entry ${shown} is not UTF-8`)
}

function parseNumber(field: Buffer): number {
  const [first = 0] = field
  if ((first & 0x80) === 0) return parseOctal(field)
  // GNU: the high bit is set, and the rest is a big-endian number.
  let value = first & 0x7f
  for (const byte of field.subarray(1)) value = value * 256 + byte
  if (!Number.isSafeInteger(value)) throw notTar('a number in a header is above 2^53')
  return value
}

function parseOctal(field: Buffer): number {
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw notTar('a number in a header is not octal')
  return Number.parseInt(digits, 8)
}

/** The sum of all bytes, with the checksum's own field read as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}

function notTar(reason: string): TrainyardError {
  return new TrainyardError('unprocessable', `This is not a tar archive, or it is damaged: ${reason}`)
}
