import { createHash } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

interface StoredEvent {
  seq: number
  type: string
  [key: string]: unknown
}

export interface TestFile {
  path: string
  bytes: Buffer
  split?: 'train' | 'val' | 'test'
}

/** Answers a request itself and says so, or lets the platform answer. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean

/**
 * The callback server of unit tests: keeps events and bytes in memory and answers what it is told to. No twin of the
 * runner: it knows only what these tests look at.
 */
export interface CallbackServer {
  url: string
  events: StoredEvent[]
  artifacts: Map<string, { name: string; kind: string; sizeBytes: number; sha256: string; bytes: Buffer }>
  requests: string[]
  heartbeats: number
  /** Bearer tokens that were seen, in order, without repeats. */
  tokens: string[]
  shouldContinue: boolean
  heartbeatSeconds: number
  /** Token to hand out as a successor. */
  successor: string | undefined
  files: TestFile[]
  annotations: TestFile[]
  checkpoint: TestFile | undefined
  partBytes: number | undefined
  /** How often a file was announced; the same file again gets the same id. */
  announcements: number
  intercept: Interceptor | undefined
  close(): Promise<void>
}

export async function startCallbackServer(port = 0): Promise<CallbackServer> {
  const server = http.createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const base = '/v1/jobs/7'
  const platform: CallbackServer = {
    url: `${origin}${base}`,
    events: [],
    artifacts: new Map(),
    requests: [],
    heartbeats: 0,
    tokens: [],
    shouldContinue: true,
    heartbeatSeconds: 15,
    successor: undefined,
    files: [],
    annotations: [],
    checkpoint: undefined,
    partBytes: undefined,
    announcements: 0,
    intercept: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const byPath = new Map<string, TestFile>()
  return platform

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const raw = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    const url = new URL(request.url ?? '/', origin)
    platform.requests.push(`${request.method} ${url.pathname}`)
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token !== undefined && platform.tokens.at(-1) !== token) platform.tokens.push(token)
    if (platform.intercept?.(request, response, body)) return
    const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : url.pathname
    if (path === '/events') return sendJson(response, 200, takeEvents(JSON.parse(body.toString())))
    if (path === '/artifacts') return sendJson(response, 200, createArtifact(JSON.parse(body.toString())))
    const artifactId = path.match(/^\/(?:artifacts|put)\/([^/]+)/)?.[1]
    const artifact = artifactId === undefined ? undefined : platform.artifacts.get(artifactId)
    if (path.startsWith('/put/') && artifact) {
      const offset = Number(url.searchParams.get('offset') ?? 0)
      body.copy(artifact.bytes, offset)
      response.setHeader('etag', `"${sha256(body).slice(0, 8)}"`)
      return sendJson(response, 200, {})
    }
    if (path.endsWith('/complete') && artifact) {
      const isRight = sha256(artifact.bytes) === artifact.sha256
      return sendJson(response, isRight ? 200 : 422, isRight ? {} : problem(422, 'unprocessable'))
    }
    if (path === '/dataset') return sendJson(response, 200, datasetManifest())
    if (path === '/dataset/files') return sendJson(response, 200, filesPage(url))
    if (path === '/inputs/checkpoint' && platform.checkpoint) {
      const { path: name, bytes } = platform.checkpoint
      const request = signed('checkpoint', name)
      return sendJson(response, 200, {
        artifactId: 'a0',
        name,
        sizeBytes: bytes.length,
        sha256: sha256(bytes),
        request,
      })
    }
    if (path.startsWith('/get/')) return sendFile(request, response, decodeURIComponent(path.split('/')[3] ?? ''))
    return sendJson(response, 404, problem(404, 'not_found'))
  }

  function takeEvents({ events }: { events: StoredEvent[] }) {
    if (events.length === 0) platform.heartbeats++
    for (const event of events) if (event.seq === platform.events.length + 1) platform.events.push(event)
    const token = platform.successor
    return {
      acknowledged: platform.events.length,
      shouldContinue: platform.shouldContinue,
      ...(platform.shouldContinue ? {} : { reason: 'cancelled' }),
      heartbeatSeconds: platform.heartbeatSeconds,
      rejected: [],
      ...(token === undefined ? {} : { token: { value: token, expiresAt: later() } }),
    }
  }

  function createArtifact(input: { kind: string; name: string; sizeBytes: number; sha256: string }) {
    const same = [...platform.artifacts].find(([, { name, sha256 }]) => name === input.name && sha256 === input.sha256)
    const id = same?.[0] ?? `a${platform.artifacts.size + 1}`
    if (same === undefined) platform.artifacts.set(id, { ...input, bytes: Buffer.alloc(input.sizeBytes) })
    const url = `${origin}/put/${id}?signature=secret${++platform.announcements}`
    const request = { method: 'PUT', url, headers: {}, expiresAt: later() }
    const { partBytes } = platform
    if (partBytes === undefined) return { id, upload: { type: 'single', request } }
    const parts = Array.from({ length: Math.ceil(input.sizeBytes / partBytes) }, (_, index) => {
      const offset = index * partBytes
      const sizeBytes = Math.min(partBytes, input.sizeBytes - offset)
      return { ...request, url: `${request.url}&offset=${offset}`, partNumber: index + 1, offset, sizeBytes }
    })
    return { id, upload: { type: 'parts', parts } }
  }

  function datasetManifest() {
    return {
      datasetId: 'd1',
      snapshotId: 's1',
      versionHash: '0'.repeat(64),
      name: 'test',
      format: 'dice',
      taskType: 'classification',
      classes: [],
      counts: { images: 0, labelled: 0, annotations: 0, splits: { train: 0, val: 0, test: 0 } },
      annotationFiles: platform.annotations.map(({ path, bytes }) => ({
        path,
        sizeBytes: bytes.length,
        sha256: sha256(bytes),
        request: signed('annotation', path),
      })),
    }
  }

  function filesPage(url: URL) {
    const start = Number(url.searchParams.get('cursor') ?? 0)
    const end = start + Number(url.searchParams.get('limit') ?? 1000)
    const files = platform.files.slice(start, end).map(({ path, bytes, split }) => ({
      path,
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      ...(split ? { split } : {}),
      url: signed('file', path).url,
      expiresAt: later(),
    }))
    return { files, ...(end < platform.files.length ? { nextCursor: String(end) } : {}) }
  }

  function signed(kind: string, path: string) {
    const url = `${origin}/get/${kind}/${encodeURIComponent(path)}?signature=secret`
    return { method: 'GET', url, headers: {}, expiresAt: later() }
  }

  function findFile(path: string): TestFile | undefined {
    if (byPath.size !== platform.files.length) for (const file of platform.files) byPath.set(file.path, file)
    return byPath.get(path) ?? [platform.checkpoint, ...platform.annotations].find((file) => file?.path === path)
  }

  function sendFile(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = findFile(path)
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
