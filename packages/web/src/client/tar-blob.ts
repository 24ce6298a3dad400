/** A file and its path in the archive. */
export interface TarEntry {
  path: string
  file: Blob
}

const BLOCK = 512
const encoder = new TextEncoder()

/**
 * A tar of files that are still on the disk: the browser reads each one while it is sent. Names that ustar cannot hold have a
 * pax header: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function tarBlob(entries: readonly TarEntry[]): Blob {
  const parts: BlobPart[] = []
  for (const { path, file } of entries) {
    const records = paxRecords(path, file.size)
    if (records.length > 0) parts.push(header('pax', records.length, 'x'), records, padding(records.length))
    parts.push(
      header(isPlain(path) ? path : 'file', Math.min(file.size, MAX_OCTAL_SIZE), '0'),
      file,
      padding(file.size),
    )
  }
  parts.push(new Uint8Array(2 * BLOCK))
  return new Blob(parts)
}

/** Eleven octal digits. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1
const isPlain = (path: string): boolean => /^[\x20-\x7e]{1,100}$/.test(path)

function paxRecords(path: string, size: number): Uint8Array<ArrayBuffer> {
  const records = [isPlain(path) ? '' : record('path', path), size > MAX_OCTAL_SIZE ? record('size', String(size)) : '']
  return encoder.encode(records.join(''))
}

/** The length of a record counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = encoder.encode(rest).length
  let length = bytes + 1
  while (bytes + String(length).length !== length) length = bytes + String(length).length
  return `${length}${rest}`
}

function header(name: string, size: number, type: 'x' | '0'): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK)
  const write = (offset: number, text: string) => block.set(encoder.encode(text), offset)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  write(0, name)
  write(100, octal(0o644, 7))
  write(108, octal(0, 7))
  write(116, octal(0, 7))
  write(124, octal(size, 11))
  write(136, octal(0, 11))
  write(148, '        ')
  write(156, type)
  write(257, 'ustar\x0000')
  const sum = block.reduce((total, byte) => total + byte, 0)
  write(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return block
}

const padding = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
