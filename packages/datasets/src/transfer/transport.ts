import type { Agent, IncomingMessage } from 'node:http'
import type { Agent as SecureAgent } from 'node:https'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { proxyEnvironment } from '@trainyard/contract'
import { NetworkError } from '@trainyard/contract/trainer-errors'

// An import would evaluate every export, `WebSocket` among them, which loads all of undici: 70 ms of every start.
const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')

export interface DownloadRequest {
  url: string
  headers?: Readonly<Record<string, string>> | undefined
  /** An abort ends the request with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Longest time without any traffic, in milliseconds. Default 60,000. */
  idleTimeoutMs?: number | undefined
}

export interface HttpRequest extends DownloadRequest {
  method: string
  /** Text and bytes are sent with their length; a stream needs a `content-length` header. */
  body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** Longest time for the whole exchange, in milliseconds. Default: no limit. */
  timeoutMs?: number | undefined
}

/** Response headers, with names in lower case. */
export interface HttpHeaders {
  readonly 'content-length'?: string | undefined
  readonly 'content-range'?: string | undefined
  readonly date?: string | undefined
  readonly etag?: string | undefined
  readonly 'retry-after'?: string | undefined
  readonly [name: string]: string | string[] | undefined
}

export interface ResponseHead {
  status: number
  headers: HttpHeaders
}

/** Read `body` to its end or call `discard`: an unread body holds its connection. */
export interface HttpResponse extends ResponseHead {
  body: AsyncIterable<Uint8Array>
  text(): Promise<string>
  discard(): void
}

/** Takes the bytes of a body as they arrive. */
export type BodySink = (bytes: Uint8Array) => void

/** HTTP as an interface that tests can replace. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>
  /**
   * Downloads with GET. `onHead` returns where the body goes, or undefined to discard it. Resolves with the head once the
   * body has ended. Errors that `onHead` or its sink throw are passed on unchanged.
   */
  receive(request: DownloadRequest, onHead: (head: ResponseHead) => BodySink | undefined): Promise<ResponseHead>
  /** Closes every connection. */
  close(): void
}

const MAX_TEXT_BYTES = 32 * 1024 * 1024

/** A longer rest of a discarded body costs more to read than a new connection. */
const MAX_DRAINED_BYTES = 64 * 1024

/**
 * HTTP over kept-alive connections. Uses `node:http` instead of `fetch`: 6,500 small responses take a third of the time,
 * uploads have a Content-Length, and `close` ends every socket at once. See docs/decisions/libraries.md.
 */
export function createTransport({ maxSockets = 32 }: { maxSockets?: number } = {}): Transport {
  const proxyEnv = proxyEnvironment(process.env)
  const agents: Agents = {
    http: new http.Agent({ keepAlive: true, maxSockets, proxyEnv }),
    https: new https.Agent({ keepAlive: true, maxSockets, proxyEnv }),
  }
  return {
    async send(request) {
      return toResponse(await send(request, agents), new URL(request.url).host)
    },
    async receive(request, onHead) {
      try {
        const message = await send({ ...request, method: 'GET' }, agents)
        return await receiveBody(message, new URL(request.url).host, onHead)
      } catch (error) {
        request.signal?.throwIfAborted()
        throw error
      }
    },
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

interface Agents {
  http: Agent
  https: SecureAgent
}

type ExchangeResult =
  | { type: 'answered'; message: IncomingMessage }
  /** `isStale`: the server closed a kept-alive connection at the moment it was used again. */
  | { type: 'failed'; error: Error; isStale: boolean }

async function send(request: HttpRequest, agents: Agents): Promise<IncomingMessage> {
  let result = await exchange(request, agents)
  // A stale connection says nothing about the server: one more try, at once. A stream cannot be sent twice.
  if (result.type === 'failed' && result.isStale && !isStream(request.body) && request.signal?.aborted !== true) {
    result = await exchange(request, agents)
  }
  if (result.type === 'failed') throw result.error
  return result.message
}

function isStream(body: HttpRequest['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && !(body instanceof Uint8Array)
}

function exchange(request: HttpRequest, agents: Agents): Promise<ExchangeResult> {
  const { method, body, signal, timeoutMs, idleTimeoutMs = 60_000 } = request
  const url = new URL(request.url)
  const headers: Record<string, string> = { ...request.headers }
  if (typeof body === 'string' || body instanceof Uint8Array)
    headers['content-length'] = String(Buffer.byteLength(body))
  return new Promise((resolve) => {
    const options = { method, headers, signal }
    const sent =
      url.protocol === 'https:'
        ? https.request(url, { ...options, agent: agents.https })
        : http.request(url, { ...options, agent: agents.http })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            sent.destroy(new NetworkError(`${url.host} did not respond within ${timeoutMs} ms`))
          }, timeoutMs)
    timer?.unref()
    sent.setTimeout(idleTimeoutMs, () => {
      sent.destroy(new NetworkError(`${url.host} was silent for ${idleTimeoutMs} ms`))
    })
    sent.on('close', () => clearTimeout(timer))
    sent.on('error', (error) => {
      const isStale = sent.reusedSocket && isReset(error)
      resolve({ type: 'failed', error: asNetworkError(error, url.host), isStale })
    })
    sent.on('response', (message) => {
      // The reader of the body gets a reset that follows the head; without a reader it must not crash the process.
      message.on('error', () => {})
      resolve({ type: 'answered', message })
    })
    if (!isStream(body)) sent.end(body)
    else {
      const stream = body instanceof Readable ? body : Readable.from(body)
      stream.on('error', (error) => sent.destroy(error))
      sent.on('close', () => stream.destroy())
      stream.pipe(sent)
    }
  })
}

function toResponse(message: IncomingMessage, host: string): HttpResponse {
  return {
    ...headOf(message),
    body: message,
    text: () => readText(message, host),
    discard: () => discard(message),
  }
}

function headOf(message: IncomingMessage): ResponseHead {
  return { status: message.statusCode ?? 0, headers: message.headers }
}

/** Reads a short rest of the body, which keeps the connection; closes the connection otherwise. */
function discard(message: IncomingMessage): void {
  const left = Number(message.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (left <= MAX_DRAINED_BYTES) message.resume()
  else message.destroy()
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

async function receiveBody(
  message: IncomingMessage,
  host: string,
  onHead: (head: ResponseHead) => BodySink | undefined,
): Promise<ResponseHead> {
  const head = headOf(message)
  let sink: BodySink | undefined
  try {
    sink = onHead(head)
  } catch (error) {
    message.destroy()
    throw error
  }
  if (sink !== undefined) for await (const bytes of readBody(message, host)) sink(bytes)
  else {
    discard(message)
    // Then the next request finds the connection free.
    await finished(message).catch(() => {})
  }
  return head
}

async function readText(message: IncomingMessage, host: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const bytes of readBody(message, host)) {
    size += bytes.length
    if (size > MAX_TEXT_BYTES) throw new NetworkError(`${host} sent a response of more than ${MAX_TEXT_BYTES} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * The chunks of a body. Only failures of the body become `NetworkError`: what the loop itself throws, such as a full disk,
 * is not the network's. Leaving the loop destroys the body.
 */
async function* readBody(message: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  try {
    yield* message as AsyncIterable<Uint8Array>
  } catch (error) {
    throw asNetworkError(error, host)
  }
}

/** Names the host and the cause, never the URL: a signed URL is a credential. Leaves aborts as they are. */
export function asNetworkError(error: unknown, host: string): Error {
  if (error instanceof NetworkError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const reason = code ?? (error instanceof Error ? error.message : String(error))
  return new NetworkError(`No answer from ${host} (${reason})`)
}
