import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FileRange, HeldBytes } from '../system/file-range.ts'

/** Web streams cost more than hashing what goes through them, so large bodies go around them where Node serves the request. */
const incomings = new WeakMap<Request, IncomingMessage>()
const sources = new WeakMap<ReadableStream, Readable | FileRange | HeldBytes>()

/** Stored outside of the request, so that it is available in mounted apps. */
export function setIncoming(request: Request, incoming: IncomingMessage): void {
  incomings.set(request, incoming)
}

/** Whether a request has a body, without touching it. */
export function hasBody(request: Request): boolean {
  const incoming = incomings.get(request)
  if (incoming === undefined) return request.body !== null
  const { headers } = incoming
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * The chunks of a request's body. Errors are those of the client's connection. Nothing else may touch `request.body`: that alone
 * takes the first chunk.
 */
export async function* bodyChunks(request: Request): AsyncGenerator<Uint8Array> {
  const incoming = incomings.get(request)
  if (incoming !== undefined) {
    if (request.method === 'GET' || request.method === 'HEAD') return
    // Not destroyed by a reader that stops early: the connection still carries the answer.
    yield* incoming.iterator({ destroyOnReturn: false })
    // Node ends the iteration of a body whose connection was closed.
    if (!incoming.complete) throw new Error('the connection was closed before the body was complete')
    return
  }
  if (request.body === null) return
  const reader = request.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // A partly read body would keep the connection open.
    await reader.cancel().catch(() => undefined)
  }
}

/** A body that does not read ahead, and releases the source when the client disconnects. `listen` sends the source itself. */
export function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        iterator ??= source[Symbol.asyncIterator]()
        const next = await iterator.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        if (iterator !== undefined) await iterator.return?.()
        else if (source instanceof Readable) source.destroy()
        else if (source instanceof FileRange) await source.close()
      },
    },
    { highWaterMark: 0 },
  )
  if (source instanceof Readable || source instanceof FileRange || source instanceof HeldBytes)
    sources.set(stream, source)
  return stream
}

/** Sends a response whose body is of {@link streamOf}. Returns false for another, which is not touched. */
export function sendSource(response: Response, outgoing: ServerResponse): boolean {
  const source = response.body === null ? undefined : sources.get(response.body)
  if (source === undefined) return false
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  // A client that goes away, and a source that fails: either way the connection ends before the announced length.
  const sent = source instanceof Readable ? pipeline(source, outgoing) : source.sendTo(outgoing)
  sent.catch(() => outgoing.destroy())
  return true
}
