import { invalidRequest } from '@trainyard/platform'

/** So much of a refused upload is still read, so that the sender is there to hear why. */
const MAX_DRAIN_BYTES = 64 * 1024 ** 2

export interface RequestBody {
  chunks: AsyncIterable<Uint8Array>
  /** Reads what is left, up to a limit: a connection closed in mid-upload would hide the answer from the sender. */
  drain(): Promise<void>
}

export function readRequestBody(body: ReadableStream<Uint8Array> | null): RequestBody {
  if (body === null)
    throw invalidRequest([
      { path: '', detail: 'must be a tar, tar.gz or zip of the dataset’s folder; nothing was sent' },
    ])
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
        // The sender is gone: nobody is left to answer.
      }
    },
  }
}
