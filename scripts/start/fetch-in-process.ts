import type { App } from './combine-servers.ts'

export interface InProcessOptions {
  /** The origin of the app, for example `http://127.0.0.1:7600`. */
  origin: string
  /** Called for each request: the app may be composed later. */
  app: () => Pick<App, 'fetch'>
  /** For every other address. Default: the global `fetch`. */
  fetch?: typeof fetch | undefined
}

/**
 * A `fetch` that answers requests to an app of this process without a connection. The app sees the same request, so that all of its
 * middleware runs. A request over the loopback needs several turns of the event loop, and under load each turn is a wait.
 */
export function fetchInProcess({ origin, app, fetch: others = globalThis.fetch }: InProcessOptions): typeof fetch {
  const inProcess: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== origin) return await others(input, init)
    const request = toRequest(input, init, url)
    const { signal } = request
    const response = await untilAborted(Promise.resolve(app().fetch(request)), signal)
    const location = response.headers.get('location')
    const isRedirect = response.status >= 300 && response.status < 400 && location !== null
    if (!isRedirect || init?.redirect === 'manual') return cut(response, signal)
    await response.body?.cancel()
    if (init?.redirect === 'error') throw new TypeError(`${url.pathname} answered with a redirect`)
    // As a browser does. Credentials are for the origin to which they were sent.
    const target = new URL(location, url)
    const headers = new Headers(init?.headers)
    if (target.origin !== origin) headers.delete('authorization')
    return await inProcess(target, { method: 'GET', headers, signal })
  }
  return inProcess
}

/** What HTTP adds to a request: its host, and the length of a body that is known. */
function toRequest(input: string | URL | Request, init: RequestInit | undefined, url: URL): Request {
  const request = new Request(input, init)
  request.headers.set('host', url.host)
  if (typeof init?.body === 'string') request.headers.set('content-length', String(Buffer.byteLength(init.body)))
  return request
}

/** Rejects when the caller gives up. An answer that comes later is not read. */
async function untilAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([answer, aborted.promise])
  } catch (error) {
    answer.then((late) => late.body?.cancel()).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A body that ends with an error when the caller gives up. JSON is complete when the answer is. */
function cut(response: Response, signal: AbortSignal): Response {
  if (response.headers.get('content-type')?.includes('json') || response.body === null) return response
  return new Response(response.body.pipeThrough(new TransformStream(), { signal }), response)
}
