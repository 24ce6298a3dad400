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
  backoff?: BackoffOptions | undefined
  /** Defaults: at least 8 tries and 10 minutes for one call. */
  limits?: RetryLimits | undefined
}

export interface PlatformCallOptions {
  body?: unknown
  signal?: AbortSignal | undefined
  /** Default 30,000. */
  timeoutMs?: number | undefined
  /** Compresses a body above 1 kB with gzip. Only for endpoints that document it. */
  mayCompress?: boolean | undefined
}

export interface PlatformAnswer {
  status: number
  /** Undefined for a body that is empty or not JSON. */
  json: unknown
  /** The server announced that the body is empty. */
  isEmpty?: boolean | undefined
  /** The problem document of an error response. */
  problem: Problem | undefined
  retryAfterMs: number | undefined
  /** The token of the request; the current one may be newer. */
  sentToken: string
}

/** Authorised JSON calls to the job's endpoints. */
export interface PlatformApi {
  /** Tries once. Throws `NetworkError` when there is no response. */
  once(method: string, path: string, options?: PlatformCallOptions): Promise<PlatformAnswer>
  /** Retries until a whole 2xx response and returns its JSON: a body that a proxy cut off is no answer. Throws `NetworkError` with the status and the platform's message. */
  call(method: string, path: string, options?: PlatformCallOptions): Promise<unknown>
}

/** For a smaller body the header costs as much as compression saves. */
const COMPRESS_FROM_BYTES = 1024
const compress = promisify(gzip)

export function createPlatformApi(options: PlatformApiOptions): PlatformApi {
  const { token, transport, traceparent, backoff, limits } = options
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  // A proxy may reject gzip with 415; from then on bodies are sent uncompressed.
  let acceptsGzip = true

  const once: PlatformApi['once'] = async (method, path, callOptions = {}) => {
    const { body, signal, timeoutMs = 30_000, mayCompress = false } = callOptions
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const isLarge = text !== undefined && text.length >= COMPRESS_FROM_BYTES
    // In the thread pool and at the fastest level: the training needs the processor.
    const zipped = mayCompress && acceptsGzip && isLarge ? await compress(text, { level: 1 }) : undefined
    const sentToken = token.current()
    const headers: Record<string, string> = { authorization: `Bearer ${sentToken}`, accept: 'application/json' }
    if (text !== undefined) headers['content-type'] = 'application/json'
    if (zipped !== undefined) headers['content-encoding'] = 'gzip'
    if (traceparent !== undefined) headers.traceparent = traceparent
    const response = await transport.send({
      method,
      url: baseUrl + path,
      headers,
      body: zipped ?? text,
      signal,
      timeoutMs,
    })
    if (response.status === 415 && zipped !== undefined) {
      response.discard()
      acceptsGzip = false
      return once(method, path, callOptions)
    }
    return readAnswer(response, sentToken)
  }

  return {
    once,
    async call(method, path, callOptions = {}) {
      const retries = createRetries({ backoff, limits, signal: callOptions.signal })
      let unauthorised = 0
      for (;;) {
        let answer: PlatformAnswer | undefined
        let failure: unknown
        try {
          answer = await once(method, path, callOptions)
          if (isSuccess(answer) && (answer.json !== undefined || answer.isEmpty === true)) return answer.json
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error
          failure = error
        }
        const error = answer ? describeRefusal(method, path, answer) : failure
        if (answer?.status === 401) {
          unauthorised++
          const isOther = token.replace(answer.sentToken)
          if (isOther && unauthorised <= MAX_TOKENS) continue
          if (!isOther && !isWorthWaiting(answer, token, unauthorised)) throw error
        } else if (answer !== undefined && !isSuccess(answer) && !isRetryableStatus(answer.status)) throw error
        if (!(await retries.wait(answer?.retryAfterMs))) throw error
      }
    },
  }
}

const isSuccess = ({ status }: PlatformAnswer): boolean => status >= 200 && status < 300

/** How many different tokens are tried in a row without a wait. */
export const MAX_TOKENS = 3

/**
 * Whether to retry a 401 although there is no other token. Once in any case: a replica can be late to load a new key. An
 * expired token for longer when it has a file: the process that renews the file may be recovering from the same outage.
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
  const retryAfterMs = readRetryAfter(response.headers)
  const isEmpty = response.status === 204
  return { status: response.status, json, isEmpty, problem, retryAfterMs, sentToken }
}

function describeRefusal(method: string, path: string, answer: PlatformAnswer): NetworkError {
  const { problem, status } = answer
  // Without the query: a cursor is no secret, but long and meaningless to a reader.
  const where = `${method} …${path.split('?')[0]}`
  if (isSuccess(answer))
    return new NetworkError(`The platform answered ${where} with ${status} and a body that is not whole JSON`, {
      status,
      retryable: true,
    })
  const why = problem === undefined ? '' : `: ${problem.code}${problem.detail ? `, ${problem.detail}` : ''}`
  const issues = problem?.issues?.map((issue) => `${issue.path}: ${issue.detail}`).join('; ')
  return new NetworkError(`The platform answered ${where} with ${status}${why}${issues ? ` (${issues})` : ''}`, {
    status,
    retryable: isRetryableStatus(status),
  })
}
