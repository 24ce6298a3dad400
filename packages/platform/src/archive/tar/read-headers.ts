import { TrainyardError } from '../../errors.ts'
import type { ByteReader } from '../byte-reader.ts'
import { entryError } from '../entry-error.ts'
import {
  BLOCK_BYTES,
  type DecodeText,
  decodeUtf8,
  paddedSize,
  parseHeaderBlock,
  parseText,
  type TarHeader,
} from './header-block.ts'
import { parseDigits, parsePax } from './pax.ts'

const MAX_EXTENSION_BYTES = 1024 * 1024
const ZEROS = Buffer.alloc(64 * 1024)

export interface EntryHeader extends TarHeader {
  /** The bytes in the archive are only parts of the file. */
  isSparse: boolean
}

/**
 * The headers of all entries, with the long names and large sizes of GNU and PAX extensions. The caller reads or skips the
 * bytes that follow each. After the end of the archive only zeros are accepted: some programs read on behind it.
 */
export async function* readHeaders(
  reader: ByteReader,
  { decode = decodeUtf8 }: { decode?: DecodeText | undefined } = {},
): AsyncGenerator<EntryHeader> {
  let extensions: Extensions = {}
  for (;;) {
    const block = await reader.exactly(BLOCK_BYTES)
    if (block === undefined) return
    const header = parseHeaderBlock(block, decode)
    if (header === undefined) return await expectZeros(reader)
    switch (header.type) {
      case 'L':
        extensions.longName = parseText(await readExtension(reader, header), 'long name', decode)
        continue
      case 'K':
        extensions.longLink = parseText(await readExtension(reader, header), 'long link name', decode)
        continue
      case 'x':
        extensions.pax = parsePax(await readExtension(reader, header), decode)
        continue
      // Container engines do not apply global records.
      case 'g':
        await readExtension(reader, header)
        continue
    }
    yield withExtensions(header, extensions)
    extensions = {}
  }
}

interface Extensions {
  longName?: string | undefined
  longLink?: string | undefined
  pax?: ReadonlyMap<string, string> | undefined
}

async function expectZeros(reader: ByteReader): Promise<void> {
  for (;;) {
    const piece = await reader.some(ZEROS.length)
    if (piece === undefined) return
    if (!piece.equals(ZEROS.subarray(0, piece.length)))
      throw new TrainyardError('unprocessable', 'The archive has other bytes after its end')
  }
}

function withExtensions(header: TarHeader, { longName, longLink, pax = new Map() }: Extensions): EntryHeader {
  // An empty record keeps the value of the header, as in Go's archive/tar, which container engines use.
  const paxName = pax.get('path') || undefined
  const paxLink = pax.get('linkpath') || undefined
  const name = paxName ?? (longName || header.name)
  // Go prefers one of them, GNU tar the other.
  if (paxName !== undefined && longName !== undefined && paxName !== longName)
    throw entryError(name, 'has two different long names')
  if (paxLink !== undefined && longLink !== undefined && paxLink !== longLink)
    throw entryError(name, 'has two different long link names')
  const linkName = paxLink ?? (longLink || header.linkName)
  const size = pax.get('size') || undefined
  const sizeBytes = size === undefined ? header.sizeBytes : parseDigits(size)
  if (!Number.isSafeInteger(sizeBytes)) throw entryError(name, 'has an invalid size')
  // GNU tar writes a sparse file as type "S", or in PAX archives as type "0" with these records.
  const isSparse = header.type === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))
  return { ...header, name, linkName, sizeBytes, isSparse }
}

async function readExtension(reader: ByteReader, { name, sizeBytes }: TarHeader): Promise<Buffer> {
  if (sizeBytes > MAX_EXTENSION_BYTES) throw entryError(name, 'has a header that is too long')
  const body = await reader.exactly(paddedSize(sizeBytes))
  if (body === undefined) throw new TrainyardError('unprocessable', 'The archive is truncated')
  return body.subarray(0, sizeBytes)
}
