import { gunzipSync } from 'node:zlib'
import { listen } from '@trainyard/platform'

export interface Received {
  method: string
  path: string
  headers: Headers
  /** Unpacked. */
  text: string
}

/** A server of a test that keeps what it gets. `answer` may be changed at any time. */
export async function startReceiver(answer: (request: Received) => Response | Promise<Response>, port = 0) {
  const received: Received[] = []
  const receiver = { answer }
  const server = await listen(
    {
      async fetch(request) {
        const bytes = Buffer.from(await request.arrayBuffer())
        const unpacked = request.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes
        const { pathname } = new URL(request.url)
        const one = { method: request.method, path: pathname, headers: request.headers, text: unpacked.toString() }
        received.push(one)
        return await receiver.answer(one)
      },
    },
    { port, drainMs: 50 },
  )
  return Object.assign(receiver, { url: server.url, received, close: async () => await server.close() })
}
