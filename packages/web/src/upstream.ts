export type UpstreamName = 'registry' | 'runner'

/** Thrown when a server gives no HTTP response: it is down, its address is wrong, or it timed out. */
export class UpstreamUnreachable extends Error {
  readonly upstream: UpstreamName
  readonly url: string
  readonly timedOut: boolean

  constructor(upstream: UpstreamName, url: string, options: { cause: unknown; timedOut: boolean }) {
    super(`The ${upstream} is not responding at ${url}`, { cause: options.cause })
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
  /** Timeout for the response headers, in milliseconds. Default 10,000. */
  timeoutMs?: number
}

/** A fetch with a timeout whose error names the server that did not respond. */
export function upstreamFetch(options: UpstreamOptions): typeof fetch {
  const { registryUrl, runnerUrl, timeoutMs = 10_000 } = options
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input)
    // Behind one port, both are the same server.
    const upstream = isBelow(address, registryUrl) && registryUrl !== runnerUrl ? 'registry' : 'runner'
    const timeout = new AbortController()
    // The answer to an upload comes after its last byte, and after its images were checked.
    const timer = init?.body instanceof ReadableStream ? undefined : setTimeout(() => timeout.abort(), timeoutMs)
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

const isBelow = (address: string, base: string): boolean => address === base || address.startsWith(`${base}/`)

/** The first error of a class in a chain of causes. */
export function findCause<T extends Error>(error: unknown, kind: abstract new (...args: never[]) => T): T | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof kind) return link
  }
  return undefined
}
