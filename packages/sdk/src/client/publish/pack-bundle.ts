import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { InvalidTrainerError } from '../errors.ts'
import type { BundleFile } from './list-bundle-files.ts'
import { encodeTarHeader, paddingAfter, TAR_END } from './tar-header.ts'

export interface PackedBundle {
  sizeBytes: number
  digest: string
}

/** Writes a tar.gz that depends on nothing but paths, contents and executable bits: the same files, the same bytes. */
export async function packBundle(dir: string, files: readonly BundleFile[], target: string): Promise<PackedBundle> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  await pipeline(
    Readable.from(tarOf(dir, files), { objectMode: false }),
    createGzip({ level: 6 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        // Byte 9 of the gzip header names the operating system: 255 is "unknown".
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

async function* tarOf(dir: string, files: readonly BundleFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield encodeTarHeader(file)
    let read = 0
    if (file.sizeBytes > 0)
      for await (const chunk of createReadStream(join(dir, file.path), { highWaterMark: 256 * 1024 })) {
        const bytes: Buffer = chunk
        read += bytes.length
        if (read > file.sizeBytes) break
        yield bytes
      }
    if (read !== file.sizeBytes)
      throw new InvalidTrainerError(
        `${file.path} changed while it was being packed: try again when nothing writes to it`,
      )
    yield paddingAfter(file.sizeBytes)
  }
  yield TAR_END
}
