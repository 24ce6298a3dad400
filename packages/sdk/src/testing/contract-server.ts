import { createHash } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import {
  CompleteArtifactRequest,
  CreateArtifactRequest,
  EventsRequest,
  type EventsResponse,
  isTerminalEventType,
  PROBLEMS,
  type ProblemCode,
  TrainerEvent,
} from '@trainyard/contract'
import type { Handler } from '@trainyard/testing'

/** A platform with the events and artifacts of one attempt. */
export interface ContractPlatform {
  events: TrainerEvent[]
  artifacts: Map<string, { name: string; sizeBytes: number; sha256: string; bytes: Buffer; isComplete: boolean }>
  /** Accepted tokens. Undefined: any. */
  tokens: Set<string> | undefined
  heartbeats: number
  /** A larger file is sent in parts of this size. Undefined: every file in one request. */
  partBytes: number | undefined
  /** The number of compressed bodies. */
  compressed: number
  /** Web-standard, so that faults can wrap it. */
  handle: Handler
}

/**
 * A platform that is as strict as the contract: it parses events, refuses gaps and closed attempts, and compares bytes with
 * their announcement.
 */
export function createContractPlatform(): ContractPlatform {
  const platform: ContractPlatform = {
    events: [],
    artifacts: new Map(),
    tokens: undefined,
    heartbeats: 0,
    partBytes: undefined,
    compressed: 0,
    handle,
  }
  let uploads = 0
  return platform

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const raw = Buffer.from(await request.arrayBuffer())
    if (url.pathname.startsWith('/storage/')) return putBytes(url, raw)
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? ''
    if (platform.tokens !== undefined && !platform.tokens.has(token)) return refuse('token_expired')
    const isGzip = request.headers.get('content-encoding') === 'gzip'
    if (isGzip) platform.compressed++
    const body: unknown = JSON.parse((isGzip ? gunzipSync(raw) : raw).toString() || '{}')
    if (url.pathname.endsWith('/events')) return takeEvents(EventsRequest.parse(body))
    if (url.pathname.endsWith('/artifacts')) return announce(url, CreateArtifactRequest.parse(body))
    const id = /\/artifacts\/([^/]+)\/complete$/.exec(url.pathname)?.[1]
    if (id !== undefined) return complete(id, CompleteArtifactRequest.parse(body))
    return refuse('not_found')
  }

  function takeEvents({ events }: EventsRequest): Response {
    if (events.length === 0) platform.heartbeats++
    const held = platform.events.length
    const isClosed = isTerminalEventType(platform.events.at(-1)?.type ?? '')
    if (isClosed && (events.at(-1)?.seq ?? held + 1) > held) return refuse('job_finished')
    if ((events[0]?.seq ?? 0) > held + 1) return refuse('sequence_gap', { acknowledged: held })
    for (const event of events) {
      if (event.seq <= platform.events.length) continue
      if (event.seq !== platform.events.length + 1) throw new Error(`a hole before ${event.seq}`)
      platform.events.push(TrainerEvent.parse(event))
    }
    const answer: EventsResponse = {
      acknowledged: platform.events.length,
      shouldContinue: true,
      heartbeatSeconds: 15,
      rejected: [],
    }
    return Response.json(answer)
  }

  function announce(url: URL, input: CreateArtifactRequest): Response {
    const same = [...platform.artifacts].find(([, { name, sha256 }]) => name === input.name && sha256 === input.sha256)
    const id = same?.[0] ?? `art_${platform.artifacts.size + 1}`
    if (same?.[1].isComplete) return Response.json({ id, upload: { type: 'none' } })
    if (same === undefined) platform.artifacts.set(id, { ...input, bytes: Buffer.alloc(0), isComplete: false })
    const request = {
      method: 'PUT',
      url: `${url.origin}/storage/${id}?signature=${++uploads}`,
      headers: {},
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    }
    const { partBytes } = platform
    if (partBytes === undefined || input.sizeBytes <= partBytes)
      return Response.json({ id, upload: { type: 'single', request } })
    const parts = Array.from({ length: Math.ceil(input.sizeBytes / partBytes) }, (_, index) => {
      const offset = index * partBytes
      const sizeBytes = Math.min(partBytes, input.sizeBytes - offset)
      return { ...request, url: `${request.url}&offset=${offset}`, partNumber: index + 1, offset, sizeBytes }
    })
    return Response.json({ id, upload: { type: 'parts', parts } })
  }

  function putBytes(url: URL, bytes: Buffer): Response {
    const artifact = platform.artifacts.get(url.pathname.split('/')[2] ?? '')
    if (artifact === undefined) return new Response('', { status: 404 })
    const offset = url.searchParams.get('offset')
    if (offset === null) artifact.bytes = bytes
    else {
      const end = Number(offset) + bytes.length
      const held = Buffer.concat([artifact.bytes, Buffer.alloc(Math.max(0, end - artifact.bytes.length))])
      held.set(bytes, Number(offset))
      artifact.bytes = held
    }
    return new Response('', { headers: { etag: '"e"' } })
  }

  function complete(id: string, _request: CompleteArtifactRequest): Response {
    const artifact = platform.artifacts.get(id)
    if (artifact === undefined) return refuse('not_found')
    const seen = createHash('sha256').update(artifact.bytes).digest('hex')
    if (seen !== artifact.sha256) {
      platform.artifacts.delete(id)
      return refuse('unprocessable')
    }
    artifact.isComplete = true
    return Response.json({})
  }
}

export function refuse(code: ProblemCode, extra: object = {}): Response {
  const { status, title, retryable } = PROBLEMS[code]
  return Response.json({ type: 'about:blank', title, status, code, retryable, ...extra }, { status })
}

export interface ServedHandler {
  /** Base URL of job 7. */
  url: string
  port: number
  close(): Promise<void>
}

/** Serves a handler over HTTP. A response whose body fails closes its connection. */
export async function serve(handler: Handler, { port = 0 } = {}): Promise<ServedHandler> {
  const server = http.createServer((request, response) => {
    answer(handler, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${bound}/v1/jobs/7`,
    port: bound,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = 'GET', headers, url = '/' } = request
  const body = Buffer.concat(chunks)
  const answered = await handler(
    new Request(`http://${headers.host}${url}`, {
      method,
      headers: headers as Record<string, string>,
      body: method === 'GET' ? null : body,
    }),
  )
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  for await (const chunk of answered.body ?? []) response.write(chunk)
  response.end()
}
