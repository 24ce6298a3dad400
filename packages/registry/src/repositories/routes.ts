import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { authenticate } from '../auth/authenticate.ts'
import { ANONYMOUS, type Caller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { OciError, ociErrorResponse } from '../oci/errors.ts'
import { parseRepositoryName } from '../oci/names.ts'
import { deleteBlob, readBlob } from './blobs.ts'
import { deleteManifest, readManifest } from './get-manifest.ts'
import { listReferrers } from './list-referrers.ts'
import { listTags } from './list-tags.ts'
import { putManifest } from './put-manifest.ts'
import { challenge, type RepositoryRequest, requirePush } from './repository.ts'
import { cancelUpload, finishUpload, getUploadStatus, patchUpload, startUpload } from './uploads.ts'

type Handler = (request: RepositoryRequest, reference: string) => Promise<Response>

/** A repository's name holds slashes, so paths are matched from their end; the first that fits wins. */
export const OCI_ROUTES: readonly { path: RegExp; methods: Readonly<Record<string, Handler>> }[] = [
  { path: /^\/v2\/(.+)\/blobs\/uploads\/?$/, methods: { POST: startUpload } },
  {
    path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    methods: { GET: getUploadStatus, PATCH: patchUpload, PUT: finishUpload, DELETE: cancelUpload },
  },
  { path: /^\/v2\/(.+)\/blobs\/([^/]+)$/, methods: { GET: readBlob, HEAD: readBlob, DELETE: deleteBlob } },
  {
    path: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: { GET: readManifest, HEAD: readManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  { path: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: listTags } },
  { path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: listReferrers } },
]

/** Serves the OCI distribution spec 1.1 below `/v2/`. */
export function mountRepositoryRoutes(app: OpenAPIHono, context: RegistryContext): void {
  const serve = async (c: Context): Promise<Response> => {
    try {
      const response = await dispatch(context, c)
      response.headers.set('Docker-Distribution-API-Version', 'registry/2.0')
      return response
    } catch (error) {
      if (error instanceof OciError) return ociErrorResponse(error, c.req.method)
      context.logger.error({ err: error, method: c.req.method, path: c.req.path }, 'a /v2 request failed')
      return ociErrorResponse(new OciError('UNKNOWN', 'something went wrong here; try again'), c.req.method)
    }
  }
  app.all('/v2', serve)
  app.all('/v2/*', serve)
}

async function dispatch(context: RegistryContext, c: Context): Promise<Response> {
  const url = new URL(c.req.url)
  const path = decodePath(url.pathname)
  const method = c.req.method
  const result = await authenticate(context, c.req.header('authorization'))
  const loginChallenge = { headers: { 'WWW-Authenticate': challenge(context) } }

  if (path === '/v2' || path === '/v2/') {
    if (result.outcome !== 'accepted') throw new OciError('UNAUTHORIZED', result.detail, loginChallenge)
    // Clients learn from this 401 where tokens come from; a token without any right, for anonymous pulls, is enough.
    if (result.caller.credentials === 'none') throw new OciError('UNAUTHORIZED', 'log in first', loginChallenge)
    return Response.json({})
  }

  const route = OCI_ROUTES.find((candidate) => candidate.path.test(path))
  const [, nameText = '', reference = ''] = route?.path.exec(path) ?? []
  if (!route) throw new OciError('UNSUPPORTED', `there is no endpoint ${path.slice(0, 200)}`, { status: 404 })
  const handler = route.methods[method]
  if (!handler) {
    const allow = Object.keys(route.methods).join(', ')
    throw new OciError('UNSUPPORTED', `${method} is not supported here; wanted ${allow}`, { headers: { Allow: allow } })
  }

  const { name, namespace } = parseRepositoryName(nameText)
  let caller: Caller
  if (result.outcome === 'accepted') {
    caller = result.caller
  } else if (result.outcome === 'expired' && ['PATCH', 'PUT', 'GET'].includes(method) && isUploadPath(path)) {
    // A large layer outlives its token. Knowing the session's random id is what authorises going on with it.
    caller = { ...ANONYMOUS, subject: 'upload session', may: (action, of) => action === 'push' && of === name }
  } else {
    const actions = method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push'
    throw new OciError('UNAUTHORIZED', result.detail, {
      headers: { 'WWW-Authenticate': `${challenge(context)},scope="repository:${name}:${actions}"` },
    })
  }
  const plain = context.config.plainNamespaces.includes(namespace)
  const request: RepositoryRequest = { context, caller, name, namespace, plain, request: c.req.raw, url }
  // Only plain repositories let anything be deleted; the handlers say so for the others.
  if (method === 'DELETE' && plain && !isUploadPath(path)) requirePush(request)
  return handler(request, reference)
}

const isUploadPath = (path: string) => /\/blobs\/uploads\/[^/]+$/.test(path)

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
