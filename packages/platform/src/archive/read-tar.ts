import { ByteReader } from './byte-reader.ts'
import { padded, tarHeaders } from './tar-headers.ts'

/** One entry of an archive that is looked through, not unpacked. */
export interface TarEntry {
  /** As the archive has it: hostile input. */
  name: string
  type: 'file' | 'directory' | 'other'
  sizeBytes: number
  /** The file's bytes; undefined when it has more than `maxBytes`. Only before the next entry is asked for. */
  read(maxBytes: number): Promise<Uint8Array | undefined>
}

/**
 * The entries of a plain tar archive in their order, of every type. Bytes that are not read are passed over.
 *
 * @throws TrainyardError `unprocessable` when the archive is damaged
 */
export async function* readTar(body: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(body)
  try {
    for await (const { header, name, sizeBytes } of tarHeaders(reader)) {
      // Links and devices have no bytes, whatever their size says.
      const isFile = header.type === '0' || header.type === '7'
      let missing = isFile ? padded(sizeBytes) : 0
      yield {
        name,
        type: isFile ? 'file' : header.type === '5' ? 'directory' : 'other',
        sizeBytes: isFile ? sizeBytes : 0,
        async read(maxBytes) {
          if (sizeBytes > maxBytes || missing === 0)
            return missing === 0 && sizeBytes === 0 ? new Uint8Array() : undefined
          const bytes = await reader.exactly(missing)
          missing = 0
          return bytes?.subarray(0, sizeBytes)
        },
      }
      while (missing > 0) {
        const piece = await reader.some(missing)
        if (piece === undefined) return
        missing -= piece.length
      }
    }
  } finally {
    await reader.close().catch(() => undefined)
  }
}
