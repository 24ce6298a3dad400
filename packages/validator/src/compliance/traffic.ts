import { CachedDatasetState, PROBLEM_MEDIA_TYPE, PROBLEMS, type Problem, type TimelineEntry } from '@trainyard/contract'
import type { Fault, FaultScript } from './faults.ts'
import type { JobRequest } from './record.ts'

type Fetch = (request: Request) => Response | Promise<Response>

/** The limit on timeline entries. */
const MAX_ENTRIES = 10_000
/** The limit on requests that are kept of one job. */
const MAX_REQUESTS = 20_000

/** A proxy between trainer and platform. It records every exchange without secrets, and injects faults. */
export interface Traffic {
  readonly fetch: Fetch
  readonly timeline: TimelineEntry[]
  /** Tokens seen in requests. */
  readonly credentials: Set<string>
  /** How often a job asked for the files of its dataset. */
  datasetRequests(jobId: number): number
  /** The requests of a job, and those for stored files while it ran. */
  requests(jobId: number): readonly JobRequest[]
  /** Injects faults into the requests of one job; undefined stops it. */
  setFaults(target: { jobId: number; script: FaultScript } | undefined): void
  note(kind: TimelineEntry['kind'], summary: string): void
}

export interface TrafficOptions {
  readonly now?: (() => number) | undefined
  /** Called before a trainer gets the path of its dataset in the cache. */
  readonly onDataset?: ((folder: string) => Promise<void>) | undefined
}

export function createTraffic(
  inner: Fetch,
  { now = () => performance.now(), onDataset }: TrafficOptions = {},
): Traffic {
  const startedAt = now()
  const timeline: TimelineEntry[] = []
  const credentials = new Set<string>()
  const datasetRequests = new Map<number, number>()
  const requests = new Map<number, JobRequest[]>()
  // One job runs at a time. Paths of stored files do not name it.
  let latestJob: number | undefined
  let faults: { jobId: number; script: FaultScript } | undefined

  const add = (entry: Omit<TimelineEntry, 'offsetMs'>, at: number) => {
    if (timeline.length < MAX_ENTRIES) timeline.push({ offsetMs: Math.round(at - startedAt), ...entry })
    else if (timeline.length === MAX_ENTRIES) {
      timeline.push({ offsetMs: Math.round(at - startedAt), kind: 'note', summary: 'later exchanges are omitted' })
    }
  }

  return {
    timeline,
    credentials,
    datasetRequests: (jobId) => datasetRequests.get(jobId) ?? 0,
    requests: (jobId) => requests.get(jobId) ?? [],
    setFaults: (target) => {
      faults = target
    },
    note: (kind, summary) => add({ kind, summary }, now()),
    fetch: async (request) => {
      const requestedAt = now()
      const from = Date.now()
      const { pathname, search } = new URL(request.url)
      const token = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
      if (token) credentials.add(token)
      const target = locate(pathname)
      if (target.jobId !== undefined && /\/dataset\/(?:files|cache)$/.test(pathname))
        datasetRequests.set(target.jobId, (datasetRequests.get(target.jobId) ?? 0) + 1)
      const isAffected = faults && (target.jobId === faults.jobId || target.name === 'storage')
      const fault = isAffected ? faults?.script.decide({ method: request.method, target: target.name }) : undefined
      const answer = await respond(inner, request, fault)
      const isCache = target.jobId !== undefined && pathname.endsWith('/dataset/cache')
      const response = isCache ? await announce(answer, onDataset) : answer
      const summary = `${request.method} ${target.shown}${search ? '?…' : ''}${fault ? ` [${describeFault(fault)}]` : ''}`
      latestJob = target.jobId ?? latestJob
      if (latestJob !== undefined) {
        const all = requests.get(latestJob) ?? []
        if (all.length < MAX_REQUESTS) all.push({ summary, from, to: Date.now() })
        requests.set(latestJob, all)
      }
      const durationMs = Math.round(now() - requestedAt)
      add({ kind: fault ? 'fault' : 'http', summary, status: response.status, durationMs }, requestedAt)
      return response
    },
  }
}

/** Not a clone of the response: of a body that is read twice, a busy server sends nothing at times. */
async function announce(response: Response, onDataset: TrafficOptions['onDataset']): Promise<Response> {
  if (onDataset === undefined || !response.ok) return response
  const text = await response.text()
  const body: unknown = await new Response(text).json().catch(() => undefined)
  const state = CachedDatasetState.safeParse(body).data
  if (state?.state === 'ready') await onDataset(state.folder)
  return new Response(text, { status: response.status, headers: response.headers })
}

/** The job and endpoint of a path. Keys of stored objects are not shown. */
function locate(pathname: string): { jobId: number | undefined; name: string; shown: string } {
  if (pathname.startsWith('/storage/')) return { jobId: undefined, name: 'storage', shown: '/storage/…' }
  const job = /\/jobs\/(\d+)\/([\w-]+)(\/.*)?$/.exec(pathname)
  if (!job) return { jobId: undefined, name: '', shown: pathname }
  const rest = job[3] ?? ''
  const name = rest === '' || job[2] !== 'artifacts' ? (job[2] ?? '') : 'artifacts/complete'
  return { jobId: Number(job[1]), name, shown: pathname }
}

async function respond(inner: Fetch, request: Request, fault: Fault | undefined): Promise<Response> {
  if (fault === undefined) return inner(request)
  if (fault.kind === 'lose_response') {
    const response = await inner(request)
    await response.body?.cancel()
    return unavailable()
  }
  await request.body?.cancel().catch(() => undefined)
  if (fault.kind === 'refuse') return unavailable(fault.retryAfterSeconds)
  // The content length is larger than the body, so the client sees the connection break within the body.
  const headers = { 'content-type': 'application/json', 'content-length': '4096', connection: 'close' }
  return new Response('{"acknow', { status: 502, headers })
}

function unavailable(retryAfterSeconds?: number): Response {
  const { status, title, retryable } = PROBLEMS.unavailable
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    detail: 'The validator simulates an outage of the platform.',
    code: 'unavailable',
    retryable,
  }
  const headers = new Headers({ 'content-type': PROBLEM_MEDIA_TYPE })
  if (retryAfterSeconds !== undefined) headers.set('retry-after', String(retryAfterSeconds))
  return new Response(JSON.stringify(problem), { status, headers })
}

function describeFault(fault: Fault): string {
  if (fault.kind === 'refuse') return 'refused'
  return fault.kind === 'lose_response' ? 'carried out, response lost' : 'connection broken'
}
