import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

interface StoredEvent {
  seq: number
  type: string
  [key: string]: unknown
}

interface StoredArtifact {
  name: string
  kind: string
  sizeBytes: number
  sha256: string
  bytes: Buffer
}

export interface TestFile {
  path: string
  bytes: Buffer
  split?: 'train' | 'val' | 'test' | undefined
}

/** Handles a request and returns true, or leaves it to the server. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean

const BASE_PATH = '/v1/jobs/7'

export async function startCallbackServer(port = 0): Promise<CallbackServer> {
  const server = http.createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return new CallbackServer(server)
}

/**
 * The callback server of unit tests: keeps events and bytes in memory, and responds as the test sets it up. It implements only
 * what these tests need; the real implementation is the runner.
 */
export class CallbackServer {
  readonly #server: Server
  readonly #origin: string
  readonly #filesByPath = new Map<string, TestFile>()
  readonly url: string
  events: StoredEvent[] = []
  artifacts = new Map<string, StoredArtifact>()
  requests: string[] = []
  heartbeats = 0
  /** Bearer tokens of the requests, in order, without repetitions. */
  tokens: string[] = []
  shouldContinue = true
  heartbeatSeconds = 15
  /** The successor token to send. */
  successor: string | undefined
  files: TestFile[] = []
  annotations: TestFile[] = []
  checkpoint: TestFile | undefined
  partBytes: number | undefined
  /** The number of announcements. A repeated announcement returns the same id. */
  announcements = 0
  intercept: Interceptor | undefined

  constructor(server: Server) {
    this.#server = server
    this.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.url = this.#origin + BASE_PATH
    server.on('request', (request, response) => void this.#handle(request, response))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const raw = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    const url = new URL(request.url ?? '/', this.#origin)
    this.requests.push(`${request.method} ${url.pathname}`)
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token !== undefined && this.tokens.at(-1) !== token) this.tokens.push(token)
    if (this.intercept?.(request, response, body)) return
    const path = url.pathname.startsWith(BASE_PATH) ? url.pathname.slice(BASE_PATH.length) : url.pathname
    if (path.startsWith('/get/')) this.#sendFile(request, response, decodeURIComponent(path.split('/')[3] ?? ''))
    else if (path.startsWith('/put/')) this.#putPart(response, url, body)
    else {
      const answer = this.#answer(path, url, body)
      if (answer === undefined) sendJson(response, 404, problem(404, 'not_found'))
      else sendJson(response, answer.status, answer.json)
    }
  }

  #answer(path: string, url: URL, body: Buffer): { status: number; json: unknown } | undefined {
    if (path === '/events') return { status: 200, json: this.#takeEvents(JSON.parse(body.toString())) }
    if (path === '/artifacts') return { status: 200, json: this.#createArtifact(JSON.parse(body.toString())) }
    if (path === '/dataset') return { status: 200, json: this.#datasetManifest() }
    if (path === '/dataset/files') return { status: 200, json: this.#filesPage(url) }
    if (path === '/inputs/checkpoint' && this.checkpoint)
      return { status: 200, json: this.#checkpointInput(this.checkpoint) }
    const completed = this.artifacts.get(/^\/artifacts\/([^/]+)\/complete$/.exec(path)?.[1] ?? '')
    if (completed === undefined) return undefined
    const isRight = sha256(completed.bytes) === completed.sha256
    return isRight ? { status: 200, json: {} } : { status: 422, json: problem(422, 'unprocessable') }
  }

  #takeEvents({ events }: { events: StoredEvent[] }): object {
    if (events.length === 0) this.heartbeats++
    for (const event of events) if (event.seq === this.events.length + 1) this.events.push(event)
    const token = this.successor
    return {
      acknowledged: this.events.length,
      shouldContinue: this.shouldContinue,
      reason: this.shouldContinue ? undefined : 'cancelled',
      heartbeatSeconds: this.heartbeatSeconds,
      rejected: [],
      token: token === undefined ? undefined : { value: token, expiresAt: later() },
    }
  }

  #createArtifact(input: Omit<StoredArtifact, 'bytes'>): object {
    const same = [...this.artifacts].find(([, { name, sha256 }]) => name === input.name && sha256 === input.sha256)
    const id = same?.[0] ?? `a${this.artifacts.size + 1}`
    if (same === undefined) this.artifacts.set(id, { ...input, bytes: Buffer.alloc(input.sizeBytes) })
    const url = `${this.#origin}/put/${id}?signature=secret${++this.announcements}`
    const request = { method: 'PUT', url, headers: {}, expiresAt: later() }
    const { partBytes } = this
    if (partBytes === undefined) return { id, upload: { type: 'single', request } }
    const parts = Array.from({ length: Math.ceil(input.sizeBytes / partBytes) }, (_, index) => {
      const offset = index * partBytes
      const sizeBytes = Math.min(partBytes, input.sizeBytes - offset)
      return { ...request, url: `${request.url}&offset=${offset}`, partNumber: index + 1, offset, sizeBytes }
    })
    return { id, upload: { type: 'parts', parts } }
  }

  #putPart(response: ServerResponse, url: URL, body: Buffer): void {
    const artifact = this.artifacts.get(url.pathname.split('/')[2] ?? '')
    if (artifact === undefined) {
      sendJson(response, 404, problem(404, 'not_found'))
      return
    }
    body.copy(artifact.bytes, Number(url.searchParams.get('offset') ?? 0))
    response.setHeader('etag', `"${sha256(body).slice(0, 8)}"`)
    sendJson(response, 200, {})
  }

  #datasetManifest(): object {
    return {
      datasetId: 'd1',
      snapshotId: 's1',
      versionHash: '0'.repeat(64),
      name: 'test',
      format: 'dice',
      taskType: 'classification',
      classes: [],
      counts: { images: 0, labelled: 0, annotations: 0, splits: { train: 0, val: 0, test: 0 } },
      annotationFiles: this.annotations.map(({ path, bytes }) => ({
        path,
        sizeBytes: bytes.length,
        sha256: sha256(bytes),
        request: this.#sign('annotation', path),
      })),
    }
  }

  #filesPage(url: URL): object {
    const start = Number(url.searchParams.get('cursor') ?? 0)
    const end = start + Number(url.searchParams.get('limit') ?? 1000)
    const files = this.files.slice(start, end).map(({ path, bytes, split }) => ({
      path,
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      split,
      url: this.#sign('file', path).url,
      expiresAt: later(),
    }))
    return { files, nextCursor: end < this.files.length ? String(end) : undefined }
  }

  #checkpointInput({ path, bytes }: TestFile): object {
    const request = this.#sign('checkpoint', path)
    return { artifactId: 'a0', name: path, sizeBytes: bytes.length, sha256: sha256(bytes), request }
  }

  #sign(kind: string, path: string): { method: 'GET'; url: string; headers: object; expiresAt: string } {
    const url = `${this.#origin}/get/${kind}/${encodeURIComponent(path)}?signature=secret`
    return { method: 'GET', url, headers: {}, expiresAt: later() }
  }

  #findFile(path: string): TestFile | undefined {
    if (this.#filesByPath.size !== this.files.length)
      for (const file of this.files) this.#filesByPath.set(file.path, file)
    return this.#filesByPath.get(path) ?? [this.checkpoint, ...this.annotations].find((file) => file?.path === path)
  }

  #sendFile(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = this.#findFile(path)
    if (file === undefined) {
      sendJson(response, 404, {})
      return
    }
    const etag = `"${sha256(file.bytes).slice(0, 16)}"`
    response.setHeader('etag', etag)
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const isSame = (request.headers['if-range'] ?? etag) === etag
    if (first === undefined || !isSame) {
      response.writeHead(200, { 'content-length': file.bytes.length }).end(file.bytes)
      return
    }
    const bytes = file.bytes.subarray(Number(first), last ? Number(last) + 1 : undefined)
    const range = `bytes ${first}-${Number(first) + bytes.length - 1}/${file.bytes.length}`
    response.writeHead(206, { 'content-length': bytes.length, 'content-range': range }).end(bytes)
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(json))
}

export function problem(status: number, code: string, extra: object = {}): object {
  return { type: 'about:blank', title: code, status, code, retryable: status >= 500, ...extra }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function later(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}
