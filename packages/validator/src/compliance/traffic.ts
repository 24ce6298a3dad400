import { PROBLEM_MEDIA_TYPE, PROBLEMS, type Problem, type TimelineEntry } from '@trainyard/contract'
import type { Fault, FaultScript } from './faults.ts'

type Fetch = (request: Request) => Response | Promise<Response>

/** Entries kept; a long run says how many it left out. */
const MAX_ENTRIES = 2000

/** Stands between trainer and platform: notes every exchange without its secrets, and makes some go wrong. */
export interface Traffic {
  readonly fetch: Fetch
  readonly timeline: TimelineEntry[]
  /** Tokens that requests carried. */
  readonly credentials: Set<string>
  /** Lets the requests of one job meet faults; undefined ends that. */
  setFaults(target: { jobId: number; script: FaultScript } | undefined): void
  note(kind: TimelineEntry['kind'], summary: string): void
}

export function createTraffic(inner: Fetch, now: () => number = () => performance.now()): Traffic {
  const startedAt = now()
  const timeline: TimelineEntry[] = []
  const credentials = new Set<string>()
  let faults: { jobId: number; script: FaultScript } | undefined

  const add = (entry: Omit<TimelineEntry, 'offsetMs'>, at: number) => {
    if (timeline.length < MAX_ENTRIES) timeline.push({ offsetMs: Math.round(at - startedAt), ...entry })
    else if (timeline.length === MAX_ENTRIES) {
      timeline.push({ offsetMs: Math.round(at - startedAt), kind: 'note', summary: 'later exchanges are left out' })
    }
  }

  return {
    timeline,
    credentials,
    setFaults: (target) => {
      faults = target
    },
    note: (kind, summary) => add({ kind, summary }, now()),
    fetch: async (request) => {
      const requestedAt = now()
      const { pathname, search } = new URL(request.url)
      const token = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
      if (token) credentials.add(token)
      const place = locate(pathname)
      const hit = faults && (place.jobId === faults.jobId || place.target === 'storage')
      const fault = hit ? faults?.script.decide({ method: request.method, target: place.target }) : undefined
      const response = await answer(inner, request, fault)
      const summary = `${request.method} ${place.shown}${search ? '?…' : ''}${fault ? ` [${sayFault(fault)}]` : ''}`
      const durationMs = Math.round(now() - requestedAt)
      add({ kind: fault ? 'fault' : 'http', summary, status: response.status, durationMs }, requestedAt)
      return response
    },
  }
}

/** Which job a path is of, and which of its endpoints. Keys of stored objects are not shown. */
function locate(pathname: string): { jobId: number | undefined; target: string; shown: string } {
  if (pathname.startsWith('/storage/')) return { jobId: undefined, target: 'storage', shown: '/storage/…' }
  const job = /\/jobs\/(\d+)\/([\w-]+)(\/.*)?$/.exec(pathname)
  if (!job) return { jobId: undefined, target: '', shown: pathname }
  const rest = job[3] ?? ''
  const target = rest === '' || job[2] !== 'artifacts' ? (job[2] ?? '') : 'artifacts/complete'
  return { jobId: Number(job[1]), target, shown: pathname }
}

async function answer(inner: Fetch, request: Request, fault: Fault | undefined): Promise<Response> {
  if (fault === undefined) return inner(request)
  if (fault.kind === 'lose_answer') {
    const response = await inner(request)
    await response.body?.cancel()
    return unavailable()
  }
  await request.body?.cancel().catch(() => undefined)
  if (fault.kind === 'refuse') return unavailable(fault.retryAfterSeconds)
  // More is announced than comes: the client sees the connection break in mid-body.
  const headers = { 'content-type': 'application/json', 'content-length': '4096', connection: 'close' }
  return new Response('{"acknow', { status: 502, headers })
}

function unavailable(retryAfterSeconds?: number): Response {
  const { status, title, retryable } = PROBLEMS.unavailable
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    detail: 'The validator plays a platform that is away for a moment.',
    code: 'unavailable',
    retryable,
  }
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
  })
}

function sayFault(fault: Fault): string {
  if (fault.kind === 'refuse') return 'refused'
  return fault.kind === 'lose_answer' ? 'carried out, answer lost' : 'broken off'
}
