import { ByteReader } from './byte-reader.ts'
import { entryError } from './entry-error.ts'
import { decodeAnyBytes, paddedSize } from './tar/header-block.ts'
import { type EntryHeader, readHeaders } from './tar/read-headers.ts'

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'fifo' | 'other'

/** One entry of an archive that is read without unpacking it. */
export interface TarEntry {
  /** As in the archive: untrusted input. Bytes that are not UTF-8 are lone surrogates. */
  name: string
  type: TarEntryType
  /** The target of a link, as in the archive. */
  linkName: string
  sizeBytes: number
  /** Permission bits, setuid, setgid and sticky. */
  mode: number
  /** The file's bytes; undefined when it has more than `maxBytes`. Call it before the next entry is requested. */
  read(maxBytes: number): Promise<Uint8Array | undefined>
  /** The file's bytes in pieces, each valid until the next. Call it, or `read`, once. */
  stream(): AsyncGenerator<Uint8Array>
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
}

/**
 * The entries of an uncompressed tar archive in their order, of every type. Bytes that are not read are skipped. Where the
 * programs that unpack archives would read different entries, the archive is refused.
 *
 * @throws TrainyardError `unprocessable` when the archive is damaged or ambiguous
 */
export async function* readTar(body: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(body)
  try {
    for await (const header of readHeaders(reader, { decode: decodeAnyBytes })) {
      const type = typeOf(header)
      const { sizeBytes } = header
      let unread = paddedSize(sizeBytes)
      async function* stream(): AsyncGenerator<Uint8Array> {
        for (let left = sizeBytes - (paddedSize(sizeBytes) - unread); left > 0; ) {
          const piece = await reader.some(left)
          if (piece === undefined) throw entryError(header.name, 'is truncated')
          unread -= piece.length
          left -= piece.length
          yield piece
        }
      }
      yield {
        name: header.name,
        type,
        linkName: header.linkName,
        sizeBytes,
        mode: header.mode & 0o7777,
        async read(maxBytes) {
          if (sizeBytes === 0) return new Uint8Array()
          if (sizeBytes > maxBytes || unread === 0) return undefined
          const pieces: Uint8Array[] = []
          for await (const piece of stream()) pieces.push(piece)
          return Buffer.concat(pieces)
        },
        stream,
      }
      while (unread > 0) {
        const piece = await reader.some(unread)
        // Some writers omit the padding of the last file.
        if (piece === undefined && unread < 512) break
        if (piece === undefined) throw entryError(header.name, 'is truncated')
        unread -= piece.length
      }
    }
  } finally {
    await reader.close().catch(() => undefined)
  }
}

function typeOf({ name, type, isOldType, isSparse, sizeBytes }: EntryHeader): TarEntryType {
  if (isSparse) throw entryError(name, 'is a sparse file')
  const known = TYPES[type] ?? 'other'
  if (known === 'file' && name.endsWith('/')) {
    if (!isOldType || sizeBytes > 0) throw entryError(name, 'is a file whose name ends with "/"')
    return 'directory'
  }
  // Some programs skip as many bytes, others none.
  if (known !== 'file' && sizeBytes > 0)
    throw entryError(name, `has bytes, which an entry of the type "${type}" must not have`)
  return known
}
