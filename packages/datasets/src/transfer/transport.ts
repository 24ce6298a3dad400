import type { Agent, IncomingHttpHeaders } from 'node:http'
import type { Agent as SecureAgent } from 'node:https'
import type { Readable } from 'node:stream'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { type BodySink, type ResponseHead, UnreadableAnswer } from './lean-connection.ts'
import { createLeanPool, type LeanRequest } from './lean-pool.ts'

// An import would read every export, WebSocket among them, and with it load all of undici: 70 ms of every start.
const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')

export interface HttpRequest {
  method: string
  url: string
  headers?: Record<string, string>
  /** Text and bytes are sent with their length; a stream needs a `content-length` header of its own. */
  body?: string | Uint8Array | Readable
  signal?: AbortSignal
  /** How long the whole exchange may take, in milliseconds. Default: no limit. */
  timeoutMs?: number
  /** How long nothing may move, in milliseconds. Default 60,000. */
  idleTimeoutMs?: number
}

/** Read `body` to its end or call `discard`: a body left half read holds its connection. */
export interface HttpResponse {
  status: number
  headers: IncomingHttpHeaders
  body: Readable
  text(): Promise<string>
  discard(): void
}

/** The world's HTTP, small enough to replace. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>
  /**
   * GETs what is large or many. `onHead` says where the body goes (its bytes are valid during the call only), or undefined
   * to throw it away; resolves with the head when the body has ended.
   */
  receive(request: LeanRequest, onHead: (head: ResponseHead) => BodySink | undefined): Promise<ResponseHead>
  /** Closes every connection. */
  close(): void
}

const MAX_TEXT_BYTES = 32 * 1024 * 1024

/**
 * HTTP over kept-alive connections. `node:http` and not `fetch`: 6,500 small answers take a third of the time, an upload
 * has its Content-Length, and all sockets can be closed at once.
 */
export function createTransport({ maxSockets = 32 }: { maxSockets?: number } = {}): Transport {
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets }),
    https: new https.Agent({ keepAlive: true, maxSockets }),
  }
  const lean = createLeanPool({ maxSockets })
  /** Servers whose answers come without a length. */
  const unreadable = new Set<string>()
  return {
    send: (request) => send(request, agents),
    async receive(request, onHead) {
      const { host, protocol } = new URL(request.url)
      const { errors, withErrors } = keepErrors(onHead)
      try {
        // Encrypted, it is decrypting that costs.
        if (protocol === 'http:' && !unreadable.has(host)) {
          try {
            return await lean.get(request, withErrors)
          } catch (error) {
            if (!(error instanceof UnreadableAnswer)) throw error
            unreadable.add(host)
          }
        }
        return await receiveBySending(await send({ method: 'GET', ...request }, agents), withErrors)
      } catch (error) {
        request.signal?.throwIfAborted()
        // A full disk is none of the network's.
        throw errors.length > 0 ? errors[0] : asNetworkError(error, host)
      }
    },
    close() {
      lean.close()
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

type Agents = { http: Agent; https: SecureAgent }

/** A server may close a kept-alive connection just as we use it; that says nothing about the server: once more, at once. */
async function send(request: HttpRequest, agents: Agents): Promise<HttpResponse> {
  const state: { wasReused?: boolean } = {}
  try {
    return await exchange(request, agents, state)
  } catch (error) {
    const isStream = typeof request.body === 'object' && !(request.body instanceof Uint8Array)
    if (isStream || !state.wasReused || request.signal?.aborted) throw error
    return exchange(request, agents, {})
  }
}

function exchange(request: HttpRequest, agents: Agents, state: { wasReused?: boolean }): Promise<HttpResponse> {
  const { method, headers = {}, body, signal, timeoutMs, idleTimeoutMs = 60_000 } = request
  const url = new URL(request.url)
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers }, ...(signal ? { signal } : {}) }
    if (typeof body === 'string' || body instanceof Uint8Array) {
      options.headers['content-length'] = String(Buffer.byteLength(body))
    }
    const sent =
      url.protocol === 'https:'
        ? https.request(url, { ...options, agent: agents.https })
        : http.request(url, { ...options, agent: agents.http })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            sent.destroy(new NetworkError(`${url.host} did not answer within ${timeoutMs} ms`))
          }, timeoutMs)
    timer?.unref()
    sent.setTimeout(idleTimeoutMs, () => {
      sent.destroy(new NetworkError(`${url.host} was silent for ${idleTimeoutMs} ms`))
    })
    sent.on('close', () => clearTimeout(timer))
    sent.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined
      state.wasReused = sent.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')
      reject(asNetworkError(error, url.host))
    })
    sent.on('response', (response) => {
      // A reset after the head reaches whoever reads the body; without a reader it must not crash the process.
      response.on('error', () => {})
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: response,
        text: () => readText(response, url.host),
        discard() {
          // Small leftovers are read so that the connection lives on, anything else is cut.
          const left = Number(response.headers['content-length'] ?? Number.POSITIVE_INFINITY)
          if (left <= 65_536) response.resume()
          else response.destroy()
        },
      })
    })
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) sent.end(body)
    else {
      body.on('error', (error) => sent.destroy(error))
      sent.on('close', () => body.destroy())
      body.pipe(sent)
    }
  })
}

type OnHead = (head: ResponseHead) => BodySink | undefined

/** What the receiver itself threw, told apart from what the network did. */
function keepErrors(onHead: OnHead): { errors: unknown[]; withErrors: OnHead } {
  const errors: unknown[] = []
  const guard =
    <A, R>(work: (argument: A) => R) =>
    (argument: A): R => {
      try {
        return work(argument)
      } catch (error) {
        errors.push(error)
        throw error
      }
    }
  return {
    errors,
    withErrors: guard((head: ResponseHead) => {
      const sink = onHead(head)
      return sink === undefined ? undefined : guard(sink)
    }),
  }
}

async function receiveBySending(response: HttpResponse, onHead: OnHead): Promise<ResponseHead> {
  const head = { status: response.status, headers: response.headers as Record<string, string> }
  const sink = onHead(head)
  if (sink === undefined) response.discard()
  // Leaving the loop destroys the body.
  else for await (const chunk of response.body as AsyncIterable<Buffer>) sink(chunk)
  return head
}

async function readText(body: Readable, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_TEXT_BYTES) throw new NetworkError(`${host} answered with more than ${MAX_TEXT_BYTES} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw asNetworkError(error, host)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Names the host and the cause, never the address: a signed URL is a credential. */
export function asNetworkError(error: unknown, host: string): Error {
  if (error instanceof NetworkError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const what = code ?? (error instanceof Error ? error.message : String(error))
  return new NetworkError(`No answer from ${host} (${what})`)
}
