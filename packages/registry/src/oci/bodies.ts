import { OciError } from './errors.ts'

/** Converts an iterable to a web stream that does not read ahead, and releases the source when the client disconnects. */
export function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await iterator.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

/** The chunks of a request's body. */
export async function* bodyOf(request: Request): AsyncGenerator<Uint8Array> {
  if (!request.body) return
  const reader = request.body.getReader()
  try {
    for (;;) {
      const next = await reader.read().catch((error: unknown) => {
        // Only the client's connection can fail here: it went away, which is no failure of the registry.
        throw new OciError('BLOB_UPLOAD_INVALID', 'the connection ended before the body was complete', { cause: error })
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    // A partly read body would keep the connection open.
    await reader.cancel().catch(() => undefined)
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
