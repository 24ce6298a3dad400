import { ByteReader } from './byte-reader.ts'
import { paddedSize } from './tar/header-block.ts'
import { readHeaders } from './tar/read-headers.ts'

/** One entry of an archive that is read without unpacking it. */
export interface TarEntry {
  /** As in the archive: untrusted input. */
  name: string
  type: 'file' | 'directory' | 'other'
  sizeBytes: number
  /** The file's bytes; undefined when it has more than `maxBytes`. Call it before the next entry is requested. */
  read(maxBytes: number): Promise<Uint8Array | undefined>
}

/**
 * The entries of an uncompressed tar archive in their order, of every type. Bytes that are not read are skipped.
 *
 * @throws TrainyardError `unprocessable` when the archive is damaged
 */
export async function* readTar(body: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(body)
  try {
    for await (const header of readHeaders(reader)) {
      // No bytes follow the headers of links and devices, whatever their size field holds.
      const isFile = header.type === '0' || header.type === '7'
      const sizeBytes = isFile ? header.sizeBytes : 0
      let unread = paddedSize(sizeBytes)
      yield {
        name: header.name,
        type: isFile ? 'file' : header.type === '5' ? 'directory' : 'other',
        sizeBytes,
        async read(maxBytes) {
          if (sizeBytes === 0) return new Uint8Array()
          if (sizeBytes > maxBytes || unread === 0) return undefined
          const bytes = await reader.exactly(unread)
          unread = 0
          return bytes?.subarray(0, sizeBytes)
        },
      }
      while (unread > 0) {
        const piece = await reader.some(unread)
        if (piece === undefined) return
        unread -= piece.length
      }
    }
  } finally {
    await reader.close().catch(() => undefined)
  }
}
