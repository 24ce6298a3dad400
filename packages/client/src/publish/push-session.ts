import { z } from 'zod'
import { PushRefusedError, TrainyardClientError, TrainyardUnreachableError } from '../errors.ts'
import { sleep } from '../server-sent-events.ts'

const TokenAnswer = z.union([
  z.object({ token: z.string() }),
  z.object({ access_token: z.string() }).transform((answer) => ({ token: answer.access_token })),
])
const OciErrors = z.object({
  errors: z
    .array(z.object({ code: z.string(), message: z.string().optional(), detail: z.unknown().optional() }))
    .min(1),
})

export interface PushSessionOptions {
  registryUrl: string
  /** "namespace/name" */
  repository: string
  token: string | undefined
  fetch: typeof fetch
  signal: AbortSignal | undefined
  maxAttempts: number
  retryMs: number
  onWarning: (text: string) => void
}

export interface PushRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** A path of the registry, or the `Location` it gave. */
  target: string
  headers?: Record<string, string>
  /** Made anew for every attempt: a stream can be sent once. */
  body?: () => Promise<BodyInit>
  /** Statuses to be returned; any other one is thrown. */
  expect: readonly number[]
}

/** Requests to one repository of an OCI registry, with its Bearer challenge, retries and errors taken care of. */
export interface PushSession {
  readonly repository: string
  request(request: PushRequest): Promise<Response>
  /** Runs `work` again when the network or the registry fails. */
  withRetries<T>(work: () => Promise<T>): Promise<T>
}

/** Worth another try: the same request may succeed later. */
class TransientError extends Error {
  readonly retryAfterMs: number | undefined
  readonly failure: TrainyardClientError

  constructor(failure: TrainyardClientError, retryAfterMs?: number) {
    super(failure.message, { cause: failure })
    this.failure = failure
    this.retryAfterMs = retryAfterMs
  }
}

export function createPushSession(options: PushSessionOptions): PushSession {
  const { repository, signal, maxAttempts, retryMs } = options
  const base = parseRegistryUrl(options.registryUrl)
  let authorization: string | undefined

  async function fetchOnce(url: URL, init: RequestInit & { duplex?: 'half' }): Promise<Response> {
    try {
      return await options.fetch(url.href, { ...init, ...(signal ? { signal } : {}) })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new TransientError(new TrainyardUnreachableError(url.href, error))
    }
  }

  /** RFC 6750 as the distribution spec uses it: 401 names a token endpoint, which trades our token for a short one. */
  async function answerChallenge(response: Response): Promise<void> {
    const challenge = response.headers.get('www-authenticate') ?? ''
    await response.body?.cancel()
    const basic = `Basic ${Buffer.from(`token:${options.token ?? ''}`).toString('base64')}`
    if (/^basic\b/i.test(challenge)) {
      if (authorization === basic || !options.token) throw refusedToken(options.token)
      authorization = basic
      return
    }
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
    )
    if (!/^bearer\b/i.test(challenge) || !parameters.realm)
      throw new PushRefusedError(401, 'unauthenticated', `${base.origin} answers 401 without saying how to sign in`)
    const realm = new URL(parameters.realm, base)
    if (base.protocol === 'https:' && realm.protocol !== 'https:')
      throw new PushRefusedError(
        401,
        'unauthenticated',
        `${base.origin} wants the token sent to ${realm.origin}, unencrypted`,
      )
    if (parameters.service) realm.searchParams.set('service', parameters.service)
    realm.searchParams.set('scope', `repository:${repository}:pull,push`)
    const answer = await fetchOnce(realm, options.token ? { headers: { authorization: basic } } : {})
    if (answer.status === 401 || answer.status === 403) {
      await answer.body?.cancel()
      throw refusedToken(options.token)
    }
    if (!answer.ok) throw await toError(answer, realm)
    const parsed = TokenAnswer.safeParse(await answer.json().catch(() => undefined))
    if (!parsed.success)
      throw new PushRefusedError(answer.status, 'unexpected_answer', `${realm.origin}${realm.pathname} gave no token`)
    authorization = `Bearer ${parsed.data.token}`
  }

  async function request(wanted: PushRequest): Promise<Response> {
    const url = new URL(wanted.target, base)
    for (let challenged = 0; ; challenged++) {
      const response = await fetchOnce(url, {
        method: wanted.method,
        headers: {
          ...wanted.headers,
          // An upload may be sent to a storage host: that one must not see the token.
          ...(authorization && url.origin === base.origin ? { authorization } : {}),
        },
        ...(wanted.body ? { body: await wanted.body(), duplex: 'half' } : {}),
      })
      if (response.status === 401 && challenged < 1 && url.origin === base.origin) {
        await answerChallenge(response)
        continue
      }
      if (!wanted.expect.includes(response.status)) throw await toError(response, url)
      for (const text of readWarnings(response.headers)) options.onWarning(text)
      return response
    }
  }

  async function withRetries<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        if (attempt >= maxAttempts || signal?.aborted) throw error.failure
        await sleep(error.retryAfterMs ?? retryMs * 2 ** (attempt - 1), signal)
      }
    }
  }

  return { repository, request, withRetries }
}

function parseRegistryUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TrainyardClientError(
      'no_address',
      `The registry's address must begin with http:// or https://, not be "${text}"`,
    )
  return new URL(url.origin)
}

function refusedToken(token: string | undefined): PushRefusedError {
  return token
    ? new PushRefusedError(
        401,
        'unauthenticated',
        'The registry does not accept this token: it may be mistyped, expired or revoked',
      )
    : new PushRefusedError(401, 'unauthenticated', 'The registry wants a token: set TRAINYARD_TOKEN, or pass --token')
}

async function toError(response: Response, url: URL): Promise<Error> {
  const { status } = response
  const text = await response.text().catch(() => '')
  let code = status >= 500 ? 'unavailable' : 'refused'
  let message = `${url.origin}${url.pathname} answered ${status} ${response.statusText}`.trim()
  try {
    const body: unknown = JSON.parse(text)
    const oci = OciErrors.safeParse(body)
    const problem = z.object({ code: z.string(), detail: z.string() }).safeParse(body)
    if (oci.success) {
      code = oci.data.errors[0]?.code ?? code
      message = oci.data.errors
        .map((error) => {
          const detail = typeof error.detail === 'string' && error.detail ? `: ${error.detail}` : ''
          return `${error.message || error.code}${detail}`
        })
        .join('; ')
    } else if (problem.success) {
      code = problem.data.code
      message = problem.data.detail
    }
  } catch {
    // Not JSON: the status has to do.
  }
  const failure = new PushRefusedError(status, code, message)
  return status >= 500 || status === 429 || status === 408
    ? new TransientError(failure, readRetryAfter(response.headers))
    : failure
}

/** Seconds, or a date; never more than half a minute. */
function readRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, 0), 30_000) : undefined
}

/** The texts of `Warning: 299 - "text"` headers. */
function readWarnings(headers: Headers): string[] {
  return [...(headers.get('warning') ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replace(/\\(.)/g, '$1'),
  )
}
