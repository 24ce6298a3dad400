import { isHttpUrl, PROBLEM_MEDIA_TYPE, Problem } from '@trainyard/contract'
import type { z } from 'zod'
import { TrainyardApiError, TrainyardClientError, TrainyardUnreachableError, UnexpectedAnswerError } from './errors.ts'

/** One of our servers: where it is, how to reach it, and who is asking. */
export interface Connection {
  /** Origin, or origin and path prefix, without a slash at its end. */
  baseUrl: string
  token: string | undefined
  fetch: typeof fetch
}

/** Throws when the address is missing or no address. */
export type Connect = () => Connection

export type Query = Record<string, string | number | boolean | undefined>

export interface HttpRequest {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  query?: Query | undefined
  json?: unknown
  body?: ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

export function createConnection(
  what: 'registry' | 'runner',
  baseUrl: string | undefined,
  token: string | undefined,
  fetcher: typeof fetch,
): Connect {
  return () => {
    if (baseUrl === undefined)
      throw new TrainyardClientError('no_address', `This needs a ${what}: give createClient its "${what}Url"`)
    if (!isHttpUrl(baseUrl))
      throw new TrainyardClientError('no_address', `"${what}Url" must be an http or https address, not "${baseUrl}"`)
    return { baseUrl: baseUrl.replace(/\/+$/, ''), token, fetch: fetcher }
  }
}

/** Sends one request. Throws for everything that is not a success. */
export async function send(connection: Connection, request: HttpRequest): Promise<Response> {
  const url = new URL(connection.baseUrl + request.path)
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const init: RequestInit & { duplex?: 'half' } = {
    method: request.method ?? 'GET',
    headers: {
      accept: `application/json, ${PROBLEM_MEDIA_TYPE}`,
      ...(connection.token ? { authorization: `Bearer ${connection.token}` } : {}),
      ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.signal ? { signal: request.signal } : {}),
  }
  if (request.json !== undefined) init.body = JSON.stringify(request.json)
  if (request.body !== undefined) {
    init.body = request.body
    init.duplex = 'half'
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

/** Sends one request and parses the answer. */
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
      `${where} answered ${response.status} with something that is not JSON: is this the address of a Trainyard server?`,
      { cause },
    )
  }
  return parseAnswer(schema, body, where)
}

/** Parses a live message; undefined for a `type` that only a newer version knows. */
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
    `${where} answered something unexpected at "${first?.path.join('.') ?? ''}": ${first?.message ?? 'invalid'}. ` +
      'Client and server may be of different versions.',
    { cause: parsed.error },
  )
}

/** A problem document as it is; anything else (a proxy's page, say) as a problem made of what is known. */
async function toError(response: Response, url: URL): Promise<TrainyardApiError> {
  const text = await response.text().catch(() => '')
  try {
    const problem = Problem.safeParse(JSON.parse(text))
    if (problem.success) return new TrainyardApiError(problem.data)
  } catch {
    // Not JSON: described below.
  }
  const detail = `${url.origin}${url.pathname} answered ${response.status} ${response.statusText}`.trim()
  return new TrainyardApiError({
    type: 'about:blank',
    title: response.statusText || 'Error',
    status: response.status,
    detail: text && text.length <= 200 && !text.startsWith('<') ? `${detail}: ${text}` : detail,
    code: response.status >= 500 ? 'unavailable' : 'unexpected_answer',
    retryable: response.status >= 500 || response.status === 429,
  })
}
