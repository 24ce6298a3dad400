import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRandom } from '../../packages/datasets/src/util/random.ts'

/** The faults, and the share of responses that have each. */
const FAULTS = {
  reset: 0.02,
  unavailable: 0.02,
  truncated: 0.02,
  slow: 0.02,
} as const

/** How long a slow response pauses halfway, in milliseconds. */
const PAUSE_MS = 500

export interface FaultyProxy {
  url: string
  /** The number of injected faults. */
  count(): number
  close(): void
}

/**
 * A proxy for an S3 server. 2 % of the responses to GETs of objects are reset, another 2 % are 503, 2 % end halfway, and 2 % pause
 * halfway. A seed determines the sequence; the order of the requests determines which of them are affected.
 */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const random = createRandom(11)
  const { hostname, port } = new URL(target)
  let count = 0
  const draw = () => {
    let left = random()
    for (const [name, share] of Object.entries(FAULTS)) {
      if (left < share) return name as keyof typeof FAULTS
      left -= share
    }
    return undefined
  }
  const server = createServer((request, response) => {
    const isObject = request.method === 'GET' && !(request.url ?? '').includes('list-type=')
    const fault = isObject ? draw() : undefined
    if (fault !== undefined) count++
    if (fault === 'reset') {
      request.socket.resetAndDestroy()
      return
    }
    if (fault === 'unavailable') {
      response.writeHead(503, { 'content-length': 0 }).end()
      return
    }
    // With the client's own Host, which its signature covers.
    const { method, headers, url: path } = request
    const asked = send({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      const half = Number(answer.headers['content-length'] ?? 0) / 2
      let seen = 0
      let isDue = fault !== undefined
      answer.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (!response.write(chunk)) {
          answer.pause()
          response.once('drain', () => answer.resume())
        }
        if (!isDue || seen < half) return
        isDue = false
        if (fault === 'truncated') {
          answer.destroy()
          response.socket?.destroy()
        } else {
          answer.pause()
          setTimeout(() => answer.resume(), PAUSE_MS)
        }
      })
      answer.on('end', () => response.end())
      answer.on('error', () => response.destroy())
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
