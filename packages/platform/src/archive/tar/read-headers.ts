import { TrainyardError } from '../../errors.ts'
import type { ByteReader } from '../byte-reader.ts'
import { entryError } from '../entry-error.ts'
import { BLOCK_BYTES, paddedSize, parseHeaderBlock, parseText, type TarHeader } from './header-block.ts'
import { parseDigits, parsePax } from './pax.ts'

const MAX_EXTENSION_BYTES = 1024 * 1024

export interface EntryHeader extends TarHeader {
  /** The bytes in the archive are only parts of the file. */
  isSparse: boolean
}

/**
 * The headers of all entries, with the long names and large sizes of GNU and PAX extensions. The caller reads or skips the
 * bytes that follow each.
 */
export async function* readHeaders(reader: ByteReader): AsyncGenerator<EntryHeader> {
  let longName: string | undefined
  let pax = new Map<string, string>()
  for (;;) {
    const block = await reader.exactly(BLOCK_BYTES)
    const header = block === undefined ? undefined : parseHeaderBlock(block)
    if (header === undefined) return
    switch (header.type) {
      case 'L':
        longName = parseText(await readExtension(reader, header), 'long name')
        continue
      case 'x':
        pax = parsePax(await readExtension(reader, header))
        continue
      // Global records and long link names are not used.
      case 'g':
      case 'K':
        await readExtension(reader, header)
        continue
    }
    yield withExtensions(header, longName, pax)
    longName = undefined
    pax = new Map()
  }
}

function withExtensions(
  header: TarHeader,
  longName: string | undefined,
  pax: ReadonlyMap<string, string>,
): EntryHeader {
  const name = pax.get('path') ?? longName ?? header.name
  const size = pax.get('size')
  const sizeBytes = size === undefined ? header.sizeBytes : parseDigits(size)
  if (!Number.isSafeInteger(sizeBytes)) throw entryError(name, 'has an invalid size')
  // GNU tar writes a sparse file as type "S", or in PAX archives as type "0" with these records.
  const isSparse = header.type === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))
  return { ...header, name, sizeBytes, isSparse }
}

async function readExtension(reader: ByteReader, { name, sizeBytes }: TarHeader): Promise<Buffer> {
  if (sizeBytes > MAX_EXTENSION_BYTES) throw entryError(name, 'has a header that is too long')
  const body = await reader.exactly(paddedSize(sizeBytes))
  if (body === undefined) throw new TrainyardError('unprocessable', 'The archive is truncated')
  return body.subarray(0, sizeBytes)
}
