import { bodyChunks } from '@trainyard/platform'
import { OciError } from './errors.ts'

/** The chunks of a request's body. Only the client's connection can fail here: it went away, which is no failure of the registry. */
export async function* bodyOf(request: Request): AsyncGenerator<Uint8Array> {
  const chunks = bodyChunks(request)
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw new OciError('BLOB_UPLOAD_INVALID', 'the connection ended before the body was complete', { cause: error })
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    await chunks.return(undefined)
  }
}

/** Reads a whole body into memory, or returns `undefined` if it is longer than `limit` bytes. */
export async function readLimited(source: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of source) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
