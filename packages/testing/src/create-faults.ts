import { type CreateFaultScriptOptions, createFaultScript, type Fault, type FaultScript } from './fault-script.ts'

/** A web-standard request handler, such as `app.fetch`. */
export type Handler = (request: Request) => Promise<Response> | Response

/** The clock of delays and outages. A test can pass its own. */
export interface FaultClock {
  now(): Date
  sleep(ms: number): Promise<void>
}

/** Options of {@link createFaults}. */
export interface CreateFaultsOptions {
  /** The faults. Default: created from `seed`. */
  script?: FaultScript | undefined
  /** Default 1. */
  seed?: number | undefined
  /** Default: the system clock. */
  clock?: FaultClock | undefined
  /** Selects the requests that can fail. Default: every request. */
  matches?: ((request: Request) => boolean) | undefined
  /** Options of the script that is created from `seed`. */
  draw?: Omit<CreateFaultScriptOptions, 'seed'> | undefined
}

/** A fault that was injected. */
export interface FaultLogEntry {
  /** The number of the request, from 0. */
  request: number
  method: string
  /** The path without its query, so that logs contain no signature. */
  path: string
  fault: Fault
}

/** Faults that wrap a handler, and a log of them. */
export interface Faults {
  /** Print it when a test fails; pass it as `script` to repeat the same faults. */
  script: FaultScript
  /** Returns a handler that injects the faults. */
  wrap(handler: Handler): (request: Request) => Promise<Response>
  log: FaultLogEntry[]
}

const systemClock: FaultClock = {
  now: () => new Date(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** Makes a handler fail in a reproducible way. */
export function createFaults(options: CreateFaultsOptions = {}): Faults {
  const { seed = 1, clock = systemClock, matches = () => true, draw = {} } = options
  const script = options.script ?? createFaultScript({ seed, ...draw })
  const log: FaultLogEntry[] = []
  let count = 0
  let outageUntil = 0

  const wrap = (handler: Handler) => async (request: Request) => {
    if (!matches(request)) return handler(request)
    const number = count++
    const faults = script.faults.filter((fault) => covers(fault, number))
    for (const fault of faults) {
      log.push({ request: number, method: request.method, path: new URL(request.url).pathname, fault })
      if (fault.type === 'outage') outageUntil = clock.now().getTime() + fault.durationMs
    }
    if (clock.now().getTime() < outageUntil) return answerProblem(503, 'unavailable')
    return play(faults, request, handler)
  }

  async function play(faults: readonly Fault[], request: Request, handler: Handler): Promise<Response> {
    const [fault, ...others] = faults
    switch (fault?.type) {
      case undefined:
        return handler(request)
      case 'unavailable':
        return answerProblem(503, 'unavailable')
      case 'expired-token':
        return answerProblem(401, 'token_expired')
      case 'rate-limited': {
        const at = new Date(clock.now().getTime() + fault.retryAfterSeconds * 1000)
        const retryAfter = fault.asDate ? at.toUTCString() : String(fault.retryAfterSeconds)
        return answerProblem(429, 'rate_limited', { 'retry-after': retryAfter })
      }
      case 'slow':
        await clock.sleep(fault.delayMs)
        return play(others, request, handler)
      case 'duplicate': {
        const copy = request.clone()
        const first = await handler(copy)
        await first.body?.cancel()
        return play(others, request, handler)
      }
      case 'reset':
        return truncate(await play(others, request, handler), fault.afterBytes)
      case 'outage':
        return play(others, request, handler)
    }
  }

  return { script, wrap, log }
}

function covers(fault: Fault, request: number): boolean {
  const count = 'count' in fault ? fault.count : 1
  return request >= fault.at && request < fault.at + count
}

function answerProblem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = { type: 'about:blank', title: `Injected fault: ${code}`, status, code, retryable: true }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })
}

/** The same response with a body that ends in an error, so that the server cuts the connection. */
async function truncate(response: Response, afterBytes: number): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, Math.min(afterBytes, Math.max(0, bytes.length - 1))))
    },
    pull(controller) {
      controller.error(new Error('Injected fault: connection reset'))
    },
  })
  const headers = new Headers(response.headers)
  // Keeps the original length, so that the reader notices the missing bytes.
  if (!headers.has('content-length')) headers.set('content-length', String(bytes.length))
  return new Response(body, { status: response.status, headers })
}
