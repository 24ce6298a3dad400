import { PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'
import type { z } from 'zod'
import { TrainyardApiError, TrainyardUnreachableError, UnexpectedAnswerError } from '../errors.ts'
import type { Connect, Connection } from './connection.ts'

export interface HttpRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | undefined
  path: string
  /** Undefined values are left out. */
  query?: Record<string, string | number | boolean | undefined> | undefined
  json?: unknown
  body?: ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer> | undefined
  headers?: Record<string, string> | undefined
  signal?: AbortSignal | undefined
}

/** Sends one request. Throws unless the server answers with a success status. */
export async function send(connection: Connection, request: HttpRequest): Promise<Response> {
  const url = new URL(connection.baseUrl + request.path)
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const init: RequestInit & { duplex?: 'half' } = {
    method: request.method ?? 'GET',
    headers: headersOf(connection, request),
    signal: request.signal ?? null,
  }
  if (request.json !== undefined) init.body = JSON.stringify(request.json)
  if (request.body !== undefined) {
    init.body = request.body
    init.duplex = 'half'
    if (request.body instanceof ReadableStream) {
      // Node's fetch copies a request that may be redirected: it would keep the whole stream in memory for that.
      init.redirect = 'error'
      init.window = null
    }
  }
  let response: Response
  try {
    response = await connection.fetch(url.href, init)
  } catch (error) {
    if (request.signal?.aborted) throw error
    throw new TrainyardUnreachableError(url.href, error)
  }
  if (!response.ok) throw await toError(response, url)
  return response
}

function headersOf({ token }: Connection, { json, headers }: HttpRequest): Record<string, string> {
  const all: Record<string, string> = { accept: `application/json, ${PROBLEM_MEDIA_TYPE}` }
  if (token) all.authorization = `Bearer ${token}`
  if (json !== undefined) all['content-type'] = 'application/json'
  return { ...all, ...headers }
}

/** Sends one request and parses the JSON answer. */
export async function fetchJson<T>(connect: Connect, schema: z.ZodType<T>, request: HttpRequest): Promise<T> {
  const connection = connect()
  const response = await send(connection, request)
  const where = `${request.method ?? 'GET'} ${connection.baseUrl}${request.path}`
  const text = await response.text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new UnexpectedAnswerError(
      `${where} answered ${response.status} without JSON: is this the address of a Trainyard server?`,
      { cause },
    )
  }
  return parseAnswer(schema, body, where)
}

/** Parses a live message. Undefined if its `type` is not known, because the server is newer. */
export function parseMessage<T>(
  schema: z.ZodType<T>,
  knownTypes: ReadonlySet<string>,
  data: string,
  where: string,
): T | undefined {
  let message: unknown
  try {
    message = JSON.parse(data)
  } catch (cause) {
    throw new UnexpectedAnswerError(`${where} sent a message that is not JSON`, { cause })
  }
  const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
  if (typeof type === 'string' && !knownTypes.has(type)) return undefined
  return parseAnswer(schema, message, where)
}

function parseAnswer<T>(schema: z.ZodType<T>, body: unknown, where: string): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  throw new UnexpectedAnswerError(
    `${where} answered with an unexpected value at "${first?.path.join('.') ?? ''}": ${first?.message ?? 'invalid'}. ` +
      'Client and server may have different versions.',
    { cause: parsed.error },
  )
}

/** A problem document as it is. Anything else, such as a proxy's error page, becomes one from the status. */
async function toError(response: Response, url: URL): Promise<TrainyardApiError> {
  const text = await response.text().catch(() => '')
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined
  try {
    const problem = Problem.safeParse(JSON.parse(text))
    if (problem.success) return new TrainyardApiError(problem.data, retryAfterSeconds)
  } catch {
    // Not JSON: described below.
  }
  const detail = `${url.origin}${url.pathname} answered ${response.status} ${response.statusText}`.trim()
  const problem: Problem = {
    type: 'about:blank',
    title: response.statusText || 'Error',
    status: response.status,
    detail: text && text.length <= 200 && !text.startsWith('<') ? `${detail}: ${text}` : detail,
    code: response.status >= 500 ? 'unavailable' : 'unexpected_answer',
    retryable: response.status >= 500 || response.status === 429,
  }
  return new TrainyardApiError(problem, retryAfterSeconds)
}
