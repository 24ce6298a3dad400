import { Agent, request } from 'node:http'

export interface Answer {
  status: number
  text: string
}

/** A few connections that stay open, as a fleet of trainers has them. */
export class Connections {
  readonly #agent: Agent
  readonly #url: URL

  constructor(url: string, count: number) {
    this.#url = new URL(url)
    this.#agent = new Agent({ keepAlive: true, maxSockets: count, scheduling: 'fifo' })
  }

  post(path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          agent: this.#agent,
          host: this.#url.hostname,
          port: this.#url.port,
          method: 'POST',
          path,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
          response.on('error', reject)
        },
      )
      call.on('error', reject)
      call.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

export interface Throughput {
  perSecond: number
  p50Ms: number
  p99Ms: number
  calls: number
}

/** Calls `send` on several connections at once for a while, each as soon as its last call is answered. */
export async function measureThroughput(
  connections: number,
  seconds: number,
  pointsPerCall: number,
  send: (connection: number) => Promise<void>,
): Promise<Throughput> {
  const latencies: number[] = []
  const begun = performance.now()
  const endsAt = begun + seconds * 1000
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      while (performance.now() < endsAt) {
        const started = performance.now()
        await send(connection)
        latencies.push(performance.now() - started)
      }
    }),
  )
  const took = (performance.now() - begun) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    perSecond: (latencies.length * pointsPerCall) / took,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    calls: latencies.length,
  }
}
