/** Sends hostile bodies from several connections at once: gets its work in a message, reports when it is ready, and starts at the next message. */
import { request } from 'node:http'
import { type HostileBody, hostileBodies } from '../../packages/platform/src/testing/hostile-bodies.ts'

export interface Target {
  method: string
  path: string
  authorization: string
}

export interface HostileWork {
  url: string
  targets: Target[]
  /** How many bodies are sent. */
  count: number
  /** Size of those that are not compressed. */
  bytes: number
  connections: number
}

export interface HostileResult {
  /** How many answers had each status; 0 where the connection was closed first. */
  statuses: Record<string, number>
}

const TIMEOUT_MS = 120_000

process.once('message', (work: HostileWork) => {
  // Making the bodies takes seconds of the processors: it is not what others wait for.
  const bodies = hostileBodies(work.bytes)
  process.send?.('ready')
  process.once('message', () => void send(work, bodies).then((result) => process.send?.(result, () => process.exit(0))))
})

async function send(
  { url, targets, count, connections }: HostileWork,
  bodies: readonly HostileBody[],
): Promise<HostileResult> {
  const statuses: Record<string, number> = {}
  let next = 0
  const work = async () => {
    while (next < count) {
      const index = next++
      const target = targets[index % targets.length]
      // Every body meets every target in turn.
      const body = bodies[(index + Math.floor(index / bodies.length)) % bodies.length]
      if (target === undefined || body === undefined) return
      const status = await sendOne(url, target, body)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  return { statuses }
}

function sendOne(
  url: string,
  { method, path, authorization }: Target,
  { headers, body }: HostileBody,
): Promise<number> {
  const { hostname, port } = new URL(url)
  const all: Record<string, string | number> = { ...headers, 'content-length': body.byteLength }
  if (authorization !== '') all.authorization = authorization
  return new Promise((resolve) => {
    const call = request(
      { hostname, port, method, path, agent: false, headers: all, timeout: TIMEOUT_MS },
      (response) => {
        response.resume()
        response.on('end', () => {
          resolve(response.statusCode ?? 0)
          call.destroy()
        })
      },
    )
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(0))
    call.end(body)
  })
}
