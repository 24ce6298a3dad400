import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Problem } from '@trainyard/contract'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import type { HttpResponse, Transport } from '@trainyard/datasets/transfer'
import {
  type BackoffOptions,
  createRetries,
  isRetryableStatus,
  type RetryLimits,
  readRetryAfter,
} from '@trainyard/datasets/transfer'
import type { TokenSource } from './token-source.ts'

export interface PlatformApiOptions {
  /** The job's `CALLBACK_URL`. */
  baseUrl: string
  token: TokenSource
  transport: Transport
  traceparent?: string | undefined
  backoff?: BackoffOptions
  /** How long a call is tried again. Defaults: at least 8 times, and for 10 minutes. */
  limits?: RetryLimits
}

export interface PlatformCallOptions {
  body?: unknown
  signal?: AbortSignal
  timeoutMs?: number
  /** Sends a body above 1 kB as gzip. Only for endpoints that say they read it. */
  mayCompress?: boolean
}

/** An answer as it came, with the problem document where it was one. */
export interface PlatformAnswer {
  status: number
  json: unknown
  problem: Problem | undefined
  retryAfterMs: number | undefined
  /** The token that was sent: by now another may be in use. */
  sentToken: string
}

/** Authorised JSON calls to the job's endpoints. */
export interface PlatformApi {
  /** One try. Throws `NetworkError` when there is no answer. */
  once(method: string, path: string, options?: PlatformCallOptions): Promise<PlatformAnswer>
  /** Tries until a 2xx, and gives its JSON. Throws `NetworkError` with the status and the platform's own words. */
  call(method: string, path: string, options?: PlatformCallOptions): Promise<unknown>
}

/** Below this the header costs as much as is saved. */
const COMPRESS_FROM_BYTES = 1024
const compress = promisify(gzip)

export function createPlatformApi(options: PlatformApiOptions): PlatformApi {
  const { token, transport, traceparent, backoff = {}, limits = {} } = options
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  // Something on the way may not know it (415): then bodies go as they are from there on.
  let readsGzip = true

  const once: PlatformApi['once'] = async (method, path, callOptions = {}) => {
    const { body, signal, timeoutMs = 30_000, mayCompress = false } = callOptions
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    // In the thread pool and at its fastest: the training has the processor.
    const zipped =
      mayCompress && readsGzip && text !== undefined && text.length >= COMPRESS_FROM_BYTES
        ? await compress(text, { level: 1 })
        : undefined
    const sentToken = token.current()
    const response = await transport.send({
      method,
      url: baseUrl + path,
      headers: {
        authorization: `Bearer ${sentToken}`,
        accept: 'application/json',
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(zipped === undefined ? {} : { 'content-encoding': 'gzip' }),
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      ...(text === undefined ? {} : { body: zipped ?? text }),
      ...(signal ? { signal } : {}),
      timeoutMs,
    })
    if (response.status === 415 && zipped !== undefined) {
      response.discard()
      readsGzip = false
      return once(method, path, callOptions)
    }
    return readAnswer(response, sentToken)
  }

  return {
    once,
    async call(method, path, callOptions = {}) {
      const { signal } = callOptions
      const retries = createRetries({ backoff, limits, ...(signal ? { signal } : {}) })
      let unauthorised = 0
      for (;;) {
        let answer: PlatformAnswer | undefined
        let failure: unknown
        try {
          answer = await once(method, path, callOptions)
          if (answer.status >= 200 && answer.status < 300) return answer.json
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error
          failure = error
        }
        const error = answer ? refusal(method, path, answer) : failure
        if (answer?.status === 401) {
          unauthorised++
          const isOther = token.replace(answer.sentToken)
          if (isOther && unauthorised <= MAX_TOKENS) continue
          if (!isOther && !isWorthWaiting(answer, token, unauthorised)) throw error
        } else if (answer !== undefined && !isRetryableStatus(answer.status)) throw error
        if (!(await retries.wait(answer?.retryAfterMs))) throw error
      }
    },
  }
}

/** How many different tokens are tried one after the other without a wait. */
export const MAX_TOKENS = 3

/**
 * Whether a 401 may still turn out well although there is no other token to try. Once: what refused us may have been a
 * replica that does not know the newest key yet. An expired token for longer where a file is renewed from outside:
 * whoever renews it may itself be coming back from an outage.
 */
export function isWorthWaiting(answer: PlatformAnswer, token: TokenSource, unauthorised: number): boolean {
  return unauthorised <= 1 || (token.hasFile && answer.problem?.code === 'token_expired')
}

async function readAnswer(response: HttpResponse, sentToken: string): Promise<PlatformAnswer> {
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
    retryAfterMs: readRetryAfter(response.headers),
    sentToken,
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
