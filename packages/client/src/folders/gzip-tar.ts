import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** A tar.gz that was written. */
export interface GzipFile {
  /** Of the compressed file. */
  sizeBytes: number
  digest: string
  /** Of the tar in it. Images name their layers by it. */
  tarDigest: string
}

/** Compresses a tar into a file: equal tars give equal bytes. */
export async function gzipTar(
  tar: AsyncIterable<Uint8Array>,
  target: string,
  { level = 6 }: { level?: number | undefined } = {},
): Promise<GzipFile> {
  const inner = createHash('sha256')
  const hash = createHash('sha256')
  let sizeBytes = 0
  await pipeline(
    Readable.from(tar, { objectMode: false }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        inner.update(chunk)
        yield chunk
      }
    },
    createGzip({ level }),
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
  return { sizeBytes, digest: `sha256:${hash.digest('hex')}`, tarDigest: `sha256:${inner.digest('hex')}` }
}
