import { Hono, type HonoRequest } from 'hono'
import { notFound, TrainyardError } from '../../errors.ts'
import { problemHandler, problemNotFound, problemResponse } from '../../http/problem-handler.ts'
import { streamOf } from '../../http/raw-exchange.ts'
import type { Logger } from '../../log.ts'
import type { Clock } from '../../system/clock.ts'
import { FileRange } from '../../system/file-range.ts'
import { DEFAULT_CONTENT_TYPE } from '../object-store.ts'
import { type ByteRange, parseRange } from './byte-range.ts'
import type { FolderObjects } from './folder-objects.ts'
import type { FolderUploads } from './folder-uploads.ts'
import { etagOf, type StoredFile } from './object-file.ts'
import { type Grant, STORAGE_PATH, verifyUrl } from './signed-url.ts'

export interface FolderStoreAppOptions {
  objects: FolderObjects
  uploads: FolderUploads
  secret: string
  clock: Clock
  logger: Logger
  /** Throws TrainyardError `forbidden` when the bearer of a grant is not valid any longer. */
  requireBearer: (grant: Grant) => Promise<void>
}

/** GET, HEAD and PUT of signed URLs, with the answers of S3. */
export function createFolderStoreApp(options: FolderStoreAppOptions): Hono {
  const { objects, uploads, secret, clock, logger, requireBearer } = options
  const app = new Hono()
  app.onError(problemHandler(logger))
  app.notFound(problemNotFound)

  // Hono answers HEAD through the GET route and drops the body.
  app.get(`${STORAGE_PATH}*`, async (c) => {
    const grant = verifyUrl(new URL(c.req.url), 'GET', secret, clock)
    await requireBearer(grant)
    const file = await objects.open(grant.key)
    if (file === undefined) throw notFound('object', grant.key)
    const answer = answerTo(c.req, grant, file)
    if (answer.range === undefined) {
      await file.handle.close()
      return answer.response
    }
    // It closes the file, also when the client disconnects.
    return new Response(streamOf(new FileRange(file.handle, answer.range)), answer.response)
  })

  app.put(`${STORAGE_PATH}*`, async (c) => {
    const grant = verifyUrl(new URL(c.req.url), 'PUT', secret, clock)
    await requireBearer(grant)
    const contentLength = c.req.header('content-length')
    if (contentLength !== undefined && grant.size !== undefined && Number(contentLength) !== grant.size) {
      const detail = `the signed request is for ${grant.size} bytes, and Content-Length is ${contentLength.slice(0, 20)}`
      throw new TrainyardError('invalid_request', `Nothing was stored: ${detail}`, {
        issues: [{ path: 'header.content-length', detail }],
      })
    }
    const limits = { sizeBytes: grant.size, sha256: grant.sha256 }
    const body = fromWeb(c.req.raw.body)
    const stored =
      grant.upload === undefined
        ? await objects.write(grant.key, body, grant.type ?? DEFAULT_CONTENT_TYPE, limits)
        : await uploads.writePart(grant.key, grant.upload, grant.part ?? 0, body, limits)
    return new Response(null, { status: 200, headers: { etag: stored.etag } })
  })
  return app
}

/** The status and headers, and the range of bytes to send; undefined for an answer without a body. */
function answerTo(request: HonoRequest, grant: Grant, file: StoredFile): { response: Response; range?: ByteRange } {
  const { sizeBytes } = file
  const etag = etagOf(file.sha256)
  const headers = new Headers({
    'content-type': grant.type ?? file.contentType,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=0, must-revalidate',
    etag,
    // The bytes are untrusted and may share an origin with our pages.
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  })
  if (grant.name !== undefined) headers.set('content-disposition', attachment(grant.name))
  if (request.header('if-none-match') === etag) return { response: new Response(null, { status: 304, headers }) }
  const ifRange = request.header('if-range')
  const range = parseRange(ifRange === undefined || ifRange === etag ? request.header('range') : undefined, sizeBytes)
  if (range === 'unsatisfiable') return { response: unsatisfiable(sizeBytes) }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 }
  headers.set('content-length', String(end - start + 1))
  if (range !== undefined) headers.set('content-range', `bytes ${start}-${end}/${sizeBytes}`)
  const response = new Response(null, { status: range === undefined ? 200 : 206, headers })
  return request.method === 'HEAD' || sizeBytes === 0 ? { response } : { response, range: { start, end } }
}

function unsatisfiable(sizeBytes: number): Response {
  const problem = problemResponse(
    new TrainyardError('invalid_request', `Range must lie within the ${sizeBytes} bytes of the object`, {
      extra: { sizeBytes },
    }),
  )
  problem.headers.set('content-range', `bytes */${sizeBytes}`)
  return new Response(problem.body, { status: 416, headers: problem.headers })
}

/** RFC 6266: an ASCII name for old clients, and the full name for all others. */
function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(fileName.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

async function* fromWeb(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.releaseLock()
  }
}
