import { hideSecrets } from '@trainyard/platform'
import { z } from 'zod'
import { BackendRefused } from './adapter.ts'

/** How much of a response is put into an error message. */
const MAX_SHOWN_CHARS = 300

export interface BackendRequest {
  method?: 'GET' | 'POST' | 'PUT' | undefined
  headers?: Readonly<Record<string, string>> | undefined
  body?: string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | undefined
  signal: AbortSignal
}

/** A response with an error status. */
export class BackendError extends Error {
  readonly status: number
  readonly body: string
  constructor(status: number, body: string, url: string) {
    super(`${new URL(url).pathname} answered ${status}: ${hideSecrets(body).slice(0, MAX_SHOWN_CHARS)}`)
    this.status = status
    this.body = body
  }

  /** Whether the same request can succeed later. Includes 401 and 403, because people correct credentials. */
  get retryable(): boolean {
    return this.status >= 500 || [401, 403, 408, 425, 429].includes(this.status)
  }
}

/**
 * Sends one request to a backend and returns the text of the response.
 *
 * @throws BackendError for an error status
 */
export async function requestText(url: string, request: BackendRequest): Promise<string> {
  const { method = 'POST', headers = {}, body, signal } = request
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal, redirect: 'manual' }
  if (body !== undefined) {
    init.body = body as BodyInit
    init.duplex = 'half'
  }
  const response = await fetch(url, init).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
    throw new Error(`${new URL(url).origin} does not answer${cause}`, { cause: error })
  })
  const text = await response.text()
  if (response.ok) return text
  throw new BackendError(response.status, text, url)
}

/** Sends and receives JSON. */
export async function requestJson<T>(
  url: string,
  schema: z.ZodType<T>,
  request: Omit<BackendRequest, 'body'> & { json?: unknown },
) {
  const { json, headers, ...rest } = request
  const text = await requestText(url, {
    ...rest,
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: json === undefined ? undefined : JSON.stringify(json),
  })
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new Error(`${new URL(url).pathname} sent an unexpected response: ${text.slice(0, MAX_SHOWN_CHARS)}`)
}

export const Anything = z.unknown()

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Rethrows an error. One that a retry cannot change becomes a {@link BackendRefused}. */
export function rethrow(error: unknown): never {
  if (error instanceof BackendError && !error.retryable) throw new BackendRefused(error.message, { cause: error })
  throw error
}

export interface Credentials {
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

/** The `Authorization` header for the configured credentials. */
export function authorization({ token, username, password = '' }: Credentials): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  if (username === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
