import type { OpenAPIHono } from '@hono/zod-openapi'
import { clientAddress, failureOfDatabase, failureOfDisk } from '@trainyard/platform'
import type { Context } from 'hono'
import { type Authentication, authenticate, readAuthorization } from '../auth/authenticate.ts'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { asPassingError, OciError, ociErrorResponse } from '../oci/errors.ts'
import { namespaceOf, parseRepositoryName } from '../oci/names.ts'
import { isUploadPath, OCI_ENDPOINTS } from './endpoints.ts'
import { listCatalog } from './list-catalog.ts'
import { challenge, type RepositoryRequest, requireDelete, requirePush } from './repository.ts'

/** A request that takes longer is checked again after its body. */
const CONFIRM_AFTER_MS = 1000

/** Serves the OCI distribution spec 1.1 below `/v2/`. */
export function mountRepositoryRoutes(app: OpenAPIHono, context: RegistryContext): void {
  const serve = async (c: Context): Promise<Response> => {
    try {
      const response = await dispatch(context, c)
      response.headers.set('Docker-Distribution-API-Version', 'registry/2.0')
      return response
    } catch (error) {
      if (error instanceof OciError) return ociErrorResponse(error, c.req.method)
      const details = { err: error, method: c.req.method, path: c.req.path }
      const ofDisk = failureOfDisk(error)
      if (ofDisk !== undefined) context.logger.error(details, 'a /v2 request failed')
      const failure = ofDisk ?? failureOfDatabase(error)
      const passing = asPassingError(failure ?? error)
      if (passing !== undefined) return ociErrorResponse(passing, c.req.method)
      if (failure === undefined) context.logger.error(details, 'a /v2 request failed')
      else context.logger.warn(details, 'a /v2 request was refused')
      const answer =
        failure === undefined
          ? new OciError('UNKNOWN', 'internal error; try again')
          : new OciError('UNSUPPORTED', failure.detail, { status: failure.status })
      return ociErrorResponse(answer, c.req.method)
    }
  }
  app.all('/v2', serve)
  app.all('/v2/*', serve)
}

async function dispatch(context: RegistryContext, c: Context): Promise<Response> {
  const url = new URL(c.req.url)
  const path = decodePath(url.pathname)
  const method = c.req.method
  const endpoint = OCI_ENDPOINTS.find((candidate) => candidate.path.test(path))
  const [, nameText = '', reference = ''] = endpoint?.path.exec(path) ?? []
  const namespace = nameText === '' ? undefined : namespaceOf(nameText)
  const authentication = await authenticate(context, c.req.raw, namespace)
  if (path === '/v2' || path === '/v2/') return answerVersionCheck(context, authentication)
  if (path === '/v2/_catalog') return await listCatalog(context, authentication, { method, url })

  if (!endpoint) throw new OciError('UNSUPPORTED', `unknown endpoint ${path.slice(0, 200)}`, { status: 404 })
  const handler = endpoint.methods[method]
  if (!handler) {
    const allow = Object.keys(endpoint.methods).join(', ')
    throw new OciError('UNSUPPORTED', `${method} is not supported; expected ${allow}`, { headers: { Allow: allow } })
  }

  const parsed = parseName(context, nameText, { method, path })
  const { name, plain } = parsed
  const caller = authorise(context, authentication, { method, path, name })
  const { raw } = c.req
  const address = clientAddress(raw, context.authenticator.config)
  const request: RepositoryRequest = { ...parsed, context, caller, address, raw, url, confirm }
  const startedAt = context.clock.now().getTime()
  async function confirm() {
    const now = context.clock.now().getTime()
    // What came at once had been sent before it could be revoked. A push may outlive its token's expiry.
    if (now - startedAt < CONFIRM_AFTER_MS || (caller.expiresAt?.getTime() ?? now) < now) return
    const again = await readAuthorization(context, raw, namespace)
    requirePush({
      ...request,
      caller: again.outcome === 'refused' ? authorise(context, again, { method, path, name }) : again.caller,
    })
  }
  // Only plain repositories allow deletion. For the others the handler returns a more helpful error.
  if (method === 'DELETE' && plain && !isUploadPath(path)) requireDelete(request)
  return handler(request, reference)
}

/** Docker sends a layer again for 50 seconds after a refusal as NAME_INVALID, and stops at once for DENIED. */
function parseName(context: RegistryContext, text: string, { method, path }: { method: string; path: string }) {
  try {
    return parseRepositoryName(text, context.config.plainNamespaces)
  } catch (error) {
    const isPush = method !== 'GET' && path.includes('/blobs/')
    if (!(error instanceof OciError) || !isPush) throw error
    throw new OciError('DENIED', error.message, { cause: error })
  }
}

/** `GET /v2/`, by which clients find out that this is a registry and where it issues tokens. */
function answerVersionCheck(context: RegistryContext, authentication: Authentication): Response {
  const options = { headers: { 'WWW-Authenticate': challenge(context) } }
  if (authentication.outcome !== 'accepted') throw new OciError('UNAUTHORIZED', authentication.detail, options)
  // An anonymous token of the token endpoint is enough, but without any the client would not learn where to get one.
  if (authentication.caller.credentials === 'none') throw new OciError('UNAUTHORIZED', 'log in first', options)
  return Response.json({})
}

function authorise(
  context: RegistryContext,
  authentication: Authentication,
  { method, path, name }: { method: string; path: string; name: string },
): RegistryCaller {
  if (authentication.outcome === 'accepted') return authentication.caller
  if (authentication.outcome === 'expired' && ['PATCH', 'PUT', 'GET'].includes(method) && isUploadPath(path)) {
    // Uploading a large layer can take longer than its grant lives. The rest is accepted as long as the token lives that
    // the grant was issued for.
    const { caller } = authentication
    if (caller.may('push', name))
      return { ...caller, may: (action, repository) => action === 'push' && repository === name }
  }
  const actions = method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push'
  throw new OciError('UNAUTHORIZED', authentication.detail, {
    headers: { 'WWW-Authenticate': challenge(context, { name, actions }) },
  })
}

function decodePath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
