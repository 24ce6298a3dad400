import { gunzipSync } from 'node:zlib'
import { listen } from '@trainyard/platform'

export interface Received {
  method: string
  path: string
  headers: Headers
  /** The body, decompressed. */
  text: string
}

/** A server that records all requests. `answer` can be replaced at any time. */
export async function startReceiver(answer: (request: Received) => Response | Promise<Response>, port = 0) {
  const received: Received[] = []
  const receiver = { answer }
  const server = await listen(
    {
      async fetch(request) {
        const bytes = Buffer.from(await request.arrayBuffer())
        const body = request.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes
        const { pathname } = new URL(request.url)
        const entry = { method: request.method, path: pathname, headers: request.headers, text: body.toString() }
        received.push(entry)
        return await receiver.answer(entry)
      },
    },
    { port, drainMs: 50 },
  )
  return Object.assign(receiver, { url: server.url, received, close: async () => await server.close() })
}
