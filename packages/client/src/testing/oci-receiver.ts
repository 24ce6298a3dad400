import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BUNDLE_MEDIA_TYPE } from '@trainyard/contract'
import { readBody, sendJson, startTestServer, type TestServer } from './test-server.ts'

export interface OciReceiver extends TestServer {
  blobs: Map<string, Buffer>
  /** By tag. */
  manifests: Map<string, { digest: string; body: Buffer; mediaType: string }>
  /** Called for every request before the receiver handles it. Returns true if it answered. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Starts a small registry over HTTP that accepts pushes: Bearer challenge, single-request uploads, immutable tags. */
export async function startOciReceiver(token: string): Promise<OciReceiver> {
  const blobs: OciReceiver['blobs'] = new Map()
  const manifests: OciReceiver['manifests'] = new Map()
  const uploads = new Set<string>()

  const server = await startTestServer(async (request, response) => {
    if (await receiver.intercept?.(request, response)) return
    const url = new URL(request.url ?? '/', server.url)
    if (url.pathname === '/token') {
      const basic = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64').toString()
      if (basic.split(':')[1] !== token) return sendJson(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] })
      return sendJson(response, 200, { token: `jwt for ${url.searchParams.get('scope')}` })
    }
    if (!/^Bearer jwt for repository:acme\/tiny:pull,push$/.test(request.headers.authorization ?? ''))
      return sendJson(
        response,
        401,
        { errors: [{ code: 'UNAUTHORIZED', message: 'sign in' }] },
        { 'www-authenticate': `Bearer realm="${server.url}/token",service="test"` },
      )
    const [, kind, reference = ''] = /^\/v2\/acme\/tiny\/(blobs|manifests)\/(.+)$/.exec(url.pathname) ?? []
    if (url.pathname === '/v2/') return sendJson(response, 200, {})
    if (kind === 'blobs' && request.method === 'HEAD') return response.writeHead(blobs.has(reference) ? 200 : 404).end()
    if (kind === 'blobs' && request.method === 'POST') {
      const id = String(uploads.size)
      uploads.add(id)
      return response.writeHead(202, { location: `/v2/acme/tiny/blobs/uploads/${id}?state=a%2Fb` }).end()
    }
    if (kind === 'blobs' && request.method === 'PUT') {
      const body = await readBody(request)
      const digest = url.searchParams.get('digest') ?? ''
      if (digest !== digestOf(body) || url.searchParams.get('state') !== 'a/b')
        return sendJson(response, 400, { errors: [{ code: 'DIGEST_INVALID', message: 'other bytes' }] })
      blobs.set(digest, body)
      return response.writeHead(201).end()
    }
    if (kind === 'manifests' && request.method === 'GET') {
      const stored = manifests.get(reference)
      if (stored === undefined) return response.writeHead(404).end()
      return response.writeHead(200, { 'docker-content-digest': stored.digest }).end(stored.body)
    }
    if (kind === 'manifests' && request.method === 'PUT') {
      const body = await readBody(request)
      const digest = digestOf(body)
      const stored = manifests.get(reference)
      // An image and a bundle can have the same version.
      const isTaken = stored?.body.includes(BUNDLE_MEDIA_TYPE)
      if (isTaken && stored?.digest !== digest)
        return sendJson(response, 409, { errors: [{ code: 'DENIED', message: 'tags are immutable' }] })
      manifests.set(reference, { digest, body, mediaType: request.headers['content-type'] ?? '' })
      return response
        .writeHead(201, { 'trainyard-check': 'chk_1', warning: '299 - "in \\"quarantine\\" until it is checked"' })
        .end()
    }
    return sendJson(response, 404, { errors: [{ code: 'NOT_FOUND' }] })
  })
  const receiver: OciReceiver = Object.assign(server, { blobs, manifests, intercept: undefined })
  return receiver
}
