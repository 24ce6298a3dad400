import { Problem } from '../contract/index.ts'
import { NetworkError } from '../errors.ts'
import { type BackoffOptions, backoffMs, isRetryableStatus, retryAfterMs, sleep } from './retry.ts'
import type { TokenSource } from './token-source.ts'
import type { HttpResponse, Transport } from './transport.ts'

export interface PlatformApiOptions {
  /** The job's `CALLBACK_URL`. */
  baseUrl: string
  token: TokenSource
  transport: Transport
  traceparent?: string | undefined
  backoff?: BackoffOptions
  /** How often a call is tried. Default 8, with the waits of `backoff` between. */
  maxTries?: number
}

export interface PlatformCallOptions {
  body?: unknown
  signal?: AbortSignal
  timeoutMs?: number
}

/** An answer as it came, with the problem document where it was one. */
export interface PlatformAnswer {
  status: number
  json: unknown
  problem: Problem | undefined
  retryAfterMs: number | undefined
}

/** Authorised JSON calls to the job's endpoints. */
export interface PlatformApi {
  /** One try. Throws `NetworkError` when there is no answer. */
  once(method: string, path: string, options?: PlatformCallOptions): Promise<PlatformAnswer>
  /** Tries until a 2xx, and gives its JSON. Throws `NetworkError` with the status and the platform's own words. */
  call(method: string, path: string, options?: PlatformCallOptions): Promise<unknown>
}

export function createPlatformApi(options: PlatformApiOptions): PlatformApi {
  const { token, transport, traceparent, backoff = {}, maxTries = 8 } = options
  const baseUrl = options.baseUrl.replace(/\/+$/, '')

  const once: PlatformApi['once'] = async (method, path, { body, signal, timeoutMs = 30_000 } = {}) => {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const response = await transport.send({
      method,
      url: baseUrl + path,
      headers: {
        authorization: `Bearer ${token.current()}`,
        accept: 'application/json',
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      ...(text === undefined ? {} : { body: text }),
      ...(signal ? { signal } : {}),
      timeoutMs,
    })
    return readAnswer(response)
  }

  return {
    once,
    async call(method, path, callOptions = {}) {
      let mayReload = true
      for (let failures = 1; ; failures++) {
        let answer: PlatformAnswer | undefined
        let failure: unknown
        try {
          answer = await once(method, path, callOptions)
          if (answer.status >= 200 && answer.status < 300) return answer.json
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error
          failure = error
        }
        if (answer?.status === 401 && mayReload && token.reload()) {
          mayReload = false
          continue
        }
        const error = answer ? refusal(method, path, answer) : failure
        const retryable = answer === undefined || isRetryableStatus(answer.status) || answer.status === 401
        if (!retryable || failures >= maxTries) throw error
        const waitMs = Math.max(answer?.retryAfterMs ?? 0, backoffMs(failures, backoff))
        await sleep(waitMs, callOptions.signal ? { signal: callOptions.signal } : {})
      }
    },
  }
}

async function readAnswer(response: HttpResponse): Promise<PlatformAnswer> {
  const text = await response.text()
  let json: unknown
  try {
    json = text === '' ? undefined : JSON.parse(text)
  } catch {
    json = undefined
  }
  const problem = response.status >= 400 ? Problem.safeParse(json).data : undefined
  return {
    status: response.status,
    json,
    problem,
    retryAfterMs: retryAfterMs(response.headers['retry-after'], new Date()),
  }
}

function refusal(method: string, path: string, answer: PlatformAnswer): NetworkError {
  const { problem, status } = answer
  // Cursors in the query are not secret, but they are long and say nothing to a person.
  const where = `${method} …${path.split('?')[0]}`
  const why = problem === undefined ? '' : `: ${problem.code}${problem.detail ? `, ${problem.detail}` : ''}`
  const issues = problem?.issues?.map((issue) => `${issue.path}: ${issue.detail}`).join('; ')
  return new NetworkError(`The platform answered ${where} with ${status}${why}${issues ? ` (${issues})` : ''}`, {
    status,
    retryable: isRetryableStatus(status),
  })
}
