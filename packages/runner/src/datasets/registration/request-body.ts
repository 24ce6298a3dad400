import { invalidRequest } from '@trainyard/platform'

/** How much of a refused upload is read before the connection is closed, so that the sender can read the response. */
const MAX_DRAIN_BYTES = 1024 ** 2

export interface RequestBody {
  chunks: AsyncIterable<Uint8Array>
  /** Reads the rest up to a limit: closing the connection during the upload would hide the response from the sender. */
  drain(): Promise<void>
}

export function readRequestBody(body: ReadableStream<Uint8Array> | null): RequestBody {
  if (body === null)
    throw invalidRequest([{ path: '', detail: 'must be a tar, tar.gz or zip of the dataset’s folder; it is empty' }])
  const reader = body.getReader()
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  }
  return {
    chunks: chunks(),
    async drain() {
      try {
        for (let drained = 0; drained < MAX_DRAIN_BYTES; ) {
          const { done, value } = await reader.read()
          if (done) return
          drained += value.length
        }
        await reader.cancel()
      } catch {
        // The sender closed the connection.
      }
    },
  }
}
