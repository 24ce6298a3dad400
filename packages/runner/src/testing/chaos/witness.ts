import { listen } from '@trainyard/platform'

/** A server that is never killed, to which trainers report. It shows what the platform might have lost or run twice. */
export interface Witness {
  url: string
  port: number
  /** The last sequence number that the platform acknowledged to this attempt. */
  acknowledged(jobId: number, attempt: number): number
  /** Attempts of one job that ran at the same time. */
  overlaps(): readonly Overlap[]
  close(): Promise<void>
}

/** Attempts as `JOB-ATTEMPT`. */
export interface Overlap {
  /** The attempt that was still running. */
  earlier: string
  later: string
}

/** An attempt can still be running for this long after its last report. */
const FRESH_MS = 150
/** A killed trainer can have one report in flight, so one report after the start of another attempt is not enough. */
const MIN_REPORTS = 2

/** Handles `POST /alive/JOB/ATTEMPT`, every 30 ms, and `POST /acknowledged/JOB/ATTEMPT/NUMBER`. */
export async function startWitness(host = '127.0.0.1'): Promise<Witness> {
  const seenAt = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  /** Attempts during which another one started, and how often they have reported since. */
  const suspects = new Map<string, { later: string; reports: number }>()

  const reportAlive = (job: string, attempt: string) => {
    const name = `${job}-${attempt}`
    const now = performance.now()
    const suspect = suspects.get(name)
    if (suspect !== undefined) suspect.reports++
    if (!seenAt.has(name))
      for (const [other, at] of seenAt)
        if (other.startsWith(`${job}-`) && now - at < FRESH_MS) suspects.set(other, { later: name, reports: 0 })
    seenAt.set(name, now)
  }

  const server = await listen(
    {
      fetch(request) {
        const [, what, job = '', attempt = '', number] = new URL(request.url).pathname.split('/')
        if (what === 'alive') reportAlive(job, attempt)
        else acknowledged.set(`${job}-${attempt}`, Number(number))
        return new Response(null, { status: 204 })
      },
    },
    { host, port: 0 },
  )
  return {
    url: `http://${host}:${server.port}`,
    port: server.port,
    acknowledged: (jobId, attempt) => acknowledged.get(`${jobId}-${attempt}`) ?? 0,
    overlaps: () =>
      [...suspects].flatMap(([earlier, { later, reports }]) => (reports < MIN_REPORTS ? [] : [{ earlier, later }])),
    close: () => server.close(),
  }
}
