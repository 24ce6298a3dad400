import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { FolderFile } from '../folders/list-files.ts'
import { tarOfFolder } from '../folders/tar-of-folder.ts'

export interface PackedBundle {
  sizeBytes: number
  digest: string
}

/** Writes a tar.gz that depends only on paths, contents and executable bits: equal files give equal bytes. */
export async function packBundle(dir: string, files: readonly FolderFile[], target: string): Promise<PackedBundle> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  await pipeline(
    Readable.from(tarOfFolder(dir, files), { objectMode: false }),
    createGzip({ level: 6 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        // Byte 9 of the gzip header is the operating system; 255 means "unknown".
        if (sizeBytes === 0 && chunk.length > 9) chunk[9] = 255
        sizeBytes += chunk.length
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(target),
  )
  return { sizeBytes, digest: `sha256:${hash.digest('hex')}` }
}
