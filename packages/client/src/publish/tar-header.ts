import type { BundleFile } from './list-bundle-files.ts'

const BLOCK = 512
const MAX_OCTAL_SIZE = 0o77777777777

/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK)

/** Zeros up to the next block. */
export function paddingAfter(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK - (sizeBytes % BLOCK)) % BLOCK)
}

/** The ustar header of a file, behind a pax header where ustar cannot say its path or size (POSIX.1-2001 pax). */
export function encodeTarHeader(file: BundleFile): Uint8Array {
  const encoded = Buffer.from(file.path)
  const isPlain = encoded.length <= 100 && encoded.length === file.path.length
  const isLarge = file.sizeBytes > MAX_OCTAL_SIZE
  const records = [
    ...(isPlain ? [] : [paxRecord('path', file.path)]),
    ...(isLarge ? [paxRecord('size', String(file.sizeBytes))] : []),
  ]
  const header = block({
    name: isPlain ? encoded : encoded.subarray(0, 100),
    mode: file.executable ? 0o755 : 0o644,
    size: isLarge ? 0 : file.sizeBytes,
    type: '0',
  })
  if (records.length === 0) return header
  const body = Buffer.concat(records)
  const paxHeader = block({ name: Buffer.from('PaxHeader'), mode: 0o644, size: body.length, type: 'x' })
  return Buffer.concat([paxHeader, body, paddingAfter(body.length), header])
}

/** No times, no owners: they would make equal folders differ. */
function block(fields: { name: Uint8Array; mode: number; size: number; type: string }): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  bytes.set(fields.name, 0)
  bytes.write(octal(fields.mode, 7), 100)
  bytes.write(octal(0, 7), 108)
  bytes.write(octal(0, 7), 116)
  bytes.write(octal(fields.size, 11), 124)
  bytes.write(octal(0, 11), 136)
  bytes.write('        ', 148)
  bytes.write(fields.type, 156)
  bytes.write('ustar\0', 257)
  bytes.write('00', 263)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${octal(sum, 6)}\0 `, 148)
  return bytes
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** "length key=value\n", where length counts its own digits too. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + 1
  while (rest + String(length).length !== length) length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}
