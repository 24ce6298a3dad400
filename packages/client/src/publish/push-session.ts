import { z } from 'zod'
import { PushRefusedError, TrainyardClientError, TrainyardUnreachableError } from '../errors.ts'
import { sleep } from '../http/sleep.ts'

const TokenAnswer = z.union([
  z.object({ token: z.string() }),
  z.object({ access_token: z.string() }).transform((answer) => ({ token: answer.access_token })),
])
const OciErrors = z.object({
  errors: z
    .array(z.object({ code: z.string(), message: z.string().optional(), detail: z.unknown().optional() }))
    .min(1),
})
const ProblemBody = z.object({ code: z.string(), detail: z.string() })

export interface PushSessionOptions {
  registryUrl: string
  /** "namespace/name" */
  repository: string
  token: string | undefined
  /** What `docker login` stored, in place of a token. */
  login?: string | undefined
  /** Default: pull,push. */
  access?: 'pull' | 'pull,push' | undefined
  fetch: typeof fetch
  signal: AbortSignal | undefined
  maxAttempts: number
  retryMs: number
  onWarning: (text: string) => void
}

export interface PushRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** A path of the registry, or the `Location` of an upload. */
  target: string
  headers?: Record<string, string> | undefined
  /** Called for every attempt: a stream can be sent only once. */
  body?: (() => Promise<BodyInit>) | undefined
  /** Statuses to return. Any other status is thrown. */
  expect: readonly number[]
}

/** Requests to one repository of an OCI registry. Handles its authentication challenge, retries and errors. */
export class PushSession {
  readonly repository: string
  readonly #options: PushSessionOptions
  readonly #base: URL
  #authorization: string | undefined

  constructor(options: PushSessionOptions) {
    this.#options = options
    this.#base = parseRegistryUrl(options.registryUrl)
    this.repository = options.repository
  }

  async request({ method, target, headers = {}, body, expect }: PushRequest): Promise<Response> {
    const url = new URL(target, this.#base)
    // An upload can go to a storage host, which must not see the token.
    const isRegistry = url.origin === this.#base.origin
    for (let attempt = 0; ; attempt++) {
      const init: RequestInit & { duplex?: 'half' } = { method, headers }
      if (this.#authorization && isRegistry) init.headers = { ...headers, authorization: this.#authorization }
      if (body) {
        init.body = await body()
        init.duplex = 'half'
      }
      const response = await this.#fetch(url, init)
      if (response.status === 401 && attempt === 0 && isRegistry) {
        await this.#answerChallenge(response)
        continue
      }
      if (!expect.includes(response.status)) throw await toError(response, url)
      for (const text of readWarnings(response.headers)) this.#options.onWarning(text)
      return response
    }
  }

  /** Runs `work` again after a failure of the network or the registry. */
  async withRetries<T>(work: () => Promise<T>): Promise<T> {
    const { maxAttempts, retryMs, signal } = this.#options
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

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    const { signal = null } = this.#options
    try {
      return await this.#options.fetch(url.href, { ...init, signal })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new TransientError(new TrainyardUnreachableError(url.href, error))
    }
  }

  /** RFC 6750 as the OCI distribution specification uses it: the 401 names an endpoint that issues a short-lived token. */
  async #answerChallenge(response: Response): Promise<void> {
    const { token, login, access = 'pull,push' } = this.#options
    const { origin, protocol } = this.#base
    const challenge = response.headers.get('www-authenticate') ?? ''
    await response.body?.cancel()
    const basic = login ?? (token ? `Basic ${Buffer.from(`token:${token}`).toString('base64')}` : undefined)
    if (/^basic\b/i.test(challenge)) {
      if (this.#authorization === basic || basic === undefined) throw refusedToken(token)
      this.#authorization = basic
      return
    }
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
    )
    if (!/^bearer\b/i.test(challenge) || !parameters.realm)
      throw new PushRefusedError(401, 'unauthenticated', `${origin} answered 401 without a Bearer challenge`)
    const realm = new URL(parameters.realm, this.#base)
    if (protocol === 'https:' && realm.protocol !== 'https:')
      throw new PushRefusedError(
        401,
        'unauthenticated',
        `${origin} asks for the token at ${realm.origin}, which is not encrypted`,
      )
    if (parameters.service) realm.searchParams.set('service', parameters.service)
    realm.searchParams.set('scope', `repository:${this.repository}:${access}`)
    this.#authorization = `Bearer ${await this.#fetchToken(realm, basic)}`
  }

  async #fetchToken(realm: URL, basic: string | undefined): Promise<string> {
    const { token } = this.#options
    const headers = new Headers()
    if (basic !== undefined) headers.set('authorization', basic)
    const answer = await this.#fetch(realm, { headers })
    if (answer.status === 401 || answer.status === 403) {
      await answer.body?.cancel()
      throw refusedToken(token)
    }
    if (!answer.ok) throw await toError(answer, realm)
    const parsed = TokenAnswer.safeParse(await answer.json().catch(() => undefined))
    if (parsed.success) return parsed.data.token
    throw new PushRefusedError(
      answer.status,
      'unexpected_answer',
      `${realm.origin}${realm.pathname} answered without a token`,
    )
  }
}

/** A failure after which the same request can succeed. */
class TransientError extends Error {
  readonly retryAfterMs: number | undefined
  readonly failure: TrainyardClientError

  constructor(failure: TrainyardClientError, retryAfterMs?: number) {
    super(failure.message, { cause: failure })
    this.failure = failure
    this.retryAfterMs = retryAfterMs
  }
}

function parseRegistryUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TrainyardClientError(
      'no_address',
      `The address of the registry must begin with http:// or https://, not "${text}"`,
    )
  return new URL(url.origin)
}

function refusedToken(token: string | undefined): PushRefusedError {
  const message = token
    ? 'The registry refused the token: it is misspelt, expired or revoked'
    : 'The registry requires a token: set TRAINYARD_TOKEN, or pass --token'
  return new PushRefusedError(401, 'unauthenticated', message)
}

async function toError(response: Response, url: URL): Promise<Error> {
  const { status, statusText } = response
  const text = await response.text().catch(() => '')
  const { code, message } = readErrorBody(text) ?? {
    code: status >= 500 ? 'unavailable' : 'refused',
    message: `${url.origin}${url.pathname} answered ${status} ${statusText}`.trim(),
  }
  const failure = new PushRefusedError(status, code, message)
  return status >= 500 || status === 429 || status === 408
    ? new TransientError(failure, readRetryAfter(response.headers))
    : failure
}

/** The OCI error format, or problem+json. */
function readErrorBody(text: string): { code: string; message: string } | undefined {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return undefined
  }
  const oci = OciErrors.safeParse(body)
  if (oci.success) {
    const messages = oci.data.errors.map(({ code, message, detail }) => {
      const more = typeof detail === 'string' && detail ? `: ${detail}` : ''
      return `${message || code}${more}`
    })
    return { code: oci.data.errors[0]?.code ?? 'refused', message: messages.join('; ') }
  }
  const problem = ProblemBody.safeParse(body)
  return problem.success ? { code: problem.data.code, message: problem.data.detail } : undefined
}

/** Seconds or a date; at most 30 s. */
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
