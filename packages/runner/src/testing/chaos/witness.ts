import { listen } from '@trainyard/platform'

/** What trainers say of themselves to somebody who is never killed, and what that tells. */
export interface Witness {
  url: string
  port: number
  /** The last number that this attempt was told to be acknowledged. */
  acknowledged(jobId: number, attempt: number): number
  /** Attempts of one job that were alive at the same time. */
  overlaps(): readonly { begun: string; beside: string }[]
  close(): Promise<void>
}

/** How long after its last sign an attempt may still live. */
const FRESH_MS = 150
/** Of one that was killed, one sign may still be on its way. */
const SIGNS_OF_LIFE = 2

/** Hears `POST /alive/JOB/ATTEMPT`, every 30 ms, and `POST /acknowledged/JOB/ATTEMPT/NUMBER`. */
export async function startWitness(host = '127.0.0.1'): Promise<Witness> {
  const seenAt = new Map<string, number>()
  const numbers = new Map<string, number>()
  /** Attempts beside which another has begun: how often they were heard since. */
  const suspects = new Map<string, { begun: string; signs: number }>()

  const hearAlive = (job: string, attempt: string) => {
    const name = `${job}-${attempt}`
    const now = performance.now()
    const suspect = suspects.get(name)
    if (suspect !== undefined) suspect.signs++
    if (!seenAt.has(name))
      for (const [other, at] of seenAt)
        if (other.startsWith(`${job}-`) && now - at < FRESH_MS) suspects.set(other, { begun: name, signs: 0 })
    seenAt.set(name, now)
  }

  const server = await listen(
    {
      fetch(request) {
        const [, what, job = '', attempt = '', number] = new URL(request.url).pathname.split('/')
        if (what === 'alive') hearAlive(job, attempt)
        else numbers.set(`${job}-${attempt}`, Number(number))
        return new Response(null, { status: 204 })
      },
    },
    { host, port: 0 },
  )
  return {
    url: `http://${host}:${server.port}`,
    port: server.port,
    acknowledged: (jobId, attempt) => numbers.get(`${jobId}-${attempt}`) ?? 0,
    overlaps: () =>
      [...suspects].flatMap(([beside, { begun, signs }]) => (signs < SIGNS_OF_LIFE ? [] : [{ begun, beside }])),
    close: () => server.close(),
  }
}
