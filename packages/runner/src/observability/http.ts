import { hideSecrets } from '@trainyard/platform'
import { z } from 'zod'
import { BackendRefused } from './adapter.ts'

/** Answers that are longer tell nothing more. */
const SHOWN = 300

export interface BackendRequest {
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>
  signal: AbortSignal
}

/** An answer that is not 2xx. */
export class BackendAnswer extends Error {
  readonly status: number
  readonly body: string
  constructor(status: number, body: string, url: string) {
    super(`${new URL(url).pathname} answered ${status}: ${hideSecrets(body).slice(0, SHOWN)}`)
    this.status = status
    this.body = body
  }

  /** Whether the same request may work later. */
  get retryable(): boolean {
    return this.status >= 500 || [401, 403, 408, 425, 429].includes(this.status)
  }
}

/**
 * One request to a backend. Settings that are wrong (401, 403, a wrong address) are tried again: people mend them.
 *
 * @throws BackendAnswer when it can be tried again, BackendRefused when it cannot
 */
export async function askBackend(url: string, request: BackendRequest): Promise<string> {
  const { method = 'POST', headers = {}, body, signal } = request
  const response = await fetch(url, {
    method,
    headers,
    signal,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: body as BodyInit, duplex: 'half' }),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
    throw new Error(`${new URL(url).origin} does not answer${cause}`, { cause: error })
  })
  const text = await response.text()
  if (response.ok) return text
  throw new BackendAnswer(response.status, text, url)
}

/** The same with JSON both ways. */
export async function askJson<T>(
  url: string,
  schema: z.ZodType<T>,
  request: Omit<BackendRequest, 'body'> & { json?: unknown },
) {
  const { json, headers, ...rest } = request
  const text = await askBackend(url, {
    ...rest,
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new Error(`${new URL(url).pathname} answered something else than expected: ${text.slice(0, SHOWN)}`)
}

export const Anything = z.unknown()

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Turns answers that will never be another into a refusal. */
export function refuseFinal(error: unknown): never {
  if (error instanceof BackendAnswer && !error.retryable) throw new BackendRefused(error.message, { cause: error })
  throw error
}

/** `Authorization` from what is configured. */
export function authorization(of: { token?: string; username?: string; password?: string }): Record<string, string> {
  if (of.token !== undefined) return { authorization: `Bearer ${of.token}` }
  if (of.username === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${of.username}:${of.password ?? ''}`).toString('base64')}` }
}
