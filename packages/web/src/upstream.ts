export type UpstreamName = 'registry' | 'runner'

/** Thrown when a server gives no HTTP answer at all: it is down, its address is wrong, or it took too long. */
export class UpstreamUnreachable extends Error {
  readonly upstream: UpstreamName
  readonly url: string
  readonly timedOut: boolean

  constructor(upstream: UpstreamName, url: string, options: { cause: unknown; timedOut: boolean }) {
    super(`The ${upstream} does not answer at ${url}`, { cause: options.cause })
    this.name = 'UpstreamUnreachable'
    this.upstream = upstream
    this.url = url
    this.timedOut = options.timedOut
  }
}

export interface UpstreamOptions {
  registryUrl: string
  runnerUrl: string
  fetch: typeof fetch
  /** How long to wait for the head of an answer; 10 s by default. */
  timeoutMs?: number
}

/** A fetch that names the server that did not answer, and does not wait for ever. */
export function upstreamFetch(options: UpstreamOptions): typeof fetch {
  const { registryUrl, runnerUrl, timeoutMs = 10_000 } = options
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input)
    const upstream = upstreamOf(address)
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(), timeoutMs)
    const caller = init?.signal ?? (input instanceof Request ? input.signal : undefined)
    const signal = caller ? AbortSignal.any([caller, timeout.signal]) : timeout.signal
    try {
      return await options.fetch(input, { ...init, signal })
    } catch (cause) {
      if (caller?.aborted === true) throw cause
      const url = upstream === 'registry' ? registryUrl : runnerUrl
      throw new UpstreamUnreachable(upstream, url, { cause, timedOut: timeout.signal.aborted })
    } finally {
      clearTimeout(timer)
    }
  }
}

function upstreamOf(address: string): UpstreamName {
  return /^\/(?:v1\/(?:trainers|checks|tokens|accounts|sessions|me|organisations)|v2|token)(?:\/|$)/.test(
    new URL(address).pathname,
  )
    ? 'registry'
    : 'runner'
}

/** The first cause of a kind in an error's chain. */
export function findCause<T extends Error>(error: unknown, kind: abstract new (...args: never[]) => T): T | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof kind) return link
  }
  return undefined
}
