import { TrainyardError } from '../errors.ts'
import type { ByteReader } from './byte-reader.ts'
import { BLOCK_BYTES, parsePax, parseTarHeader, type TarHeader, text } from './tar-header.ts'

const MAX_META_BYTES = 1024 * 1024

/** A header with the long name and size that the entries before it gave. */
export interface NamedHeader {
  header: TarHeader
  name: string
  sizeBytes: number
}

/** The headers of an archive, of entries of every type. The caller reads or skips the bytes that follow each. */
export async function* tarHeaders(reader: ByteReader): AsyncGenerator<NamedHeader> {
  let longName: string | undefined
  let pax = new Map<string, string>()
  for (;;) {
    const block = await reader.exactly(BLOCK_BYTES)
    if (block !== undefined && block.length < BLOCK_BYTES)
      throw new TrainyardError('unprocessable', 'The archive is cut off')
    const header = block === undefined ? undefined : parseTarHeader(block)
    if (header === undefined) return
    switch (header.type) {
      case 'L':
        longName = text(await meta(reader, header), 'long name')
        continue
      case 'x':
        pax = parsePax(await meta(reader, header))
        continue
      case 'g':
      case 'K':
        await meta(reader, header)
        continue
    }
    const name = pax.get('path') ?? longName ?? header.name
    const size = pax.get('size')
    const sizeBytes = size === undefined ? header.sizeBytes : Number(size)
    longName = undefined
    pax = new Map()
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw refused(name, 'has an impossible size')
    yield { header, name, sizeBytes }
  }
}

async function meta(reader: ByteReader, { name, sizeBytes }: TarHeader): Promise<Buffer> {
  if (sizeBytes > MAX_META_BYTES) throw refused(name, 'has a header that is too long')
  const body = sizeBytes === 0 ? Buffer.alloc(0) : await reader.exactly(padded(sizeBytes))
  if (body === undefined) throw new TrainyardError('unprocessable', 'The archive is cut off')
  return body.subarray(0, sizeBytes)
}

/** A file's size with the zeros that fill up its last block. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES
}

export function refused(name: string, what: string): TrainyardError {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 199)}…` : name)
  return new TrainyardError('unprocessable', `The entry ${shown} ${what}`, { extra: { entry: name.slice(0, 200) } })
}
