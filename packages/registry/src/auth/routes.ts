import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RegistryContext } from '../context.ts'
import { bodyOf, readLimited } from '../oci/bodies.ts'
import { asPassingError, OciError, ociErrorResponse } from '../oci/errors.ts'
import { basicCredentials, countRequest, countWrongPassword } from './authenticate.ts'
import { ANONYMOUS, type RegistryCaller, type RepositoryGrant } from './caller.ts'
import { findCaller } from './find-caller.ts'

/** Large enough for the scopes of many repositories. */
const MAX_FORM_BYTES = 64 * 1024

interface RequestedScope {
  type: string
  name: string
  actions: string[]
}

/** Parses scopes such as `repository:acme/yolo:pull,push` and `registry:catalog:*`, given in several parameters or separated by spaces. */
function parseScopes(values: readonly string[]): RequestedScope[] {
  return values
    .flatMap((value) => value.split(' '))
    .flatMap((scope) => {
      const match = /^(repository|registry)(?:\([^)]*\))?:([^:]+):(.+)$/.exec(scope)
      const [, type, name, actions] = match ?? []
      return type && name && actions ? [{ type, name, actions: actions.split(',') }] : []
    })
}

/** Grants the subset of the requested actions that the caller may do. The token protocol does not report the difference. */
function grantAccess(caller: RegistryCaller, requested: readonly RequestedScope[]): RepositoryGrant[] {
  return requested.flatMap(({ type, name, actions }) => {
    // What it lists is decided for each repository.
    if (type === 'registry') {
      const isCatalog = name === 'catalog' && actions.includes('*') && caller.credentials !== 'none'
      return isCatalog ? [{ type, name, actions: ['*'] }] : []
    }
    const all = actions.includes('*')
    const granted = (['pull', 'push', 'delete'] as const).filter(
      (action) => (all || actions.includes(action)) && caller.may(action, name),
    )
    // Clients never request `inspect`. It tells the owner's pulls from those of others.
    const inspect = caller.may('inspect', name) ? (['inspect'] as const) : []
    return granted.length === 0 ? [] : [{ type: 'repository', name, actions: [...granted, ...inspect] }]
  })
}

interface TokenRequest {
  request: Request
  user: string
  secret: string | undefined
  scopes: string[]
}

async function issueToken(context: RegistryContext, options: TokenRequest): Promise<Response> {
  const { request, user, secret, scopes } = options
  const caller = secret === undefined ? ANONYMOUS : await findCaller(context, secret)
  try {
    if (caller === undefined) await countWrongPassword(context, request, user)
    countRequest(context, request, caller ?? ANONYMOUS)
  } catch (error) {
    const limited = asPassingError(error)
    if (limited === undefined) throw error
    return ociErrorResponse(limited, 'GET')
  }
  if (caller === undefined) {
    const message =
      'the password is not a valid token: it is unknown, has expired or was revoked; ' +
      'create a token with POST /v1/tokens and log in with it as the password'
    return ociErrorResponse(new OciError('UNAUTHORIZED', message), 'GET')
  }
  const { tokenSeconds } = context.config
  const issuedAt = context.clock.now()
  const { value } = await context.tokens.issue({
    subject: caller.subject,
    access: grantAccess(caller, parseScopes(scopes)),
    tokenId: caller.tokenId,
    expiresInSeconds: tokenSeconds,
  })
  // Clients read either `token` (Docker) or `access_token` (OAuth2).
  return Response.json({
    token: value,
    access_token: value,
    expires_in: tokenSeconds,
    issued_at: issuedAt.toISOString(),
  })
}

/** The token endpoint for clients of `/v2`: GET with Basic authentication, POST with an OAuth2 form. */
export function mountTokenRoutes(app: OpenAPIHono, context: RegistryContext): void {
  app.get('/token', (c) => {
    const header = c.req.header('authorization')
    const basic = header === undefined ? undefined : basicCredentials(header)
    return issueToken(context, {
      request: c.req.raw,
      user: basic?.user ?? '',
      secret: basic?.password ?? header?.replace(/^bearer\s+/i, ''),
      scopes: c.req.queries('scope') ?? [],
    })
  })

  app.post('/token', async (c) => {
    const body = await readLimited(bodyOf(c.req.raw), MAX_FORM_BYTES)
    if (!body) {
      const message = `the form is larger than ${MAX_FORM_BYTES} bytes`
      return ociErrorResponse(new OciError('SIZE_INVALID', message, { status: 413 }), 'POST')
    }
    const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
    const header = c.req.header('authorization')
    const grantType = form.get('grant_type') ?? 'password'
    const basic = header === undefined ? undefined : basicCredentials(header)
    const secret = grantType === 'refresh_token' ? form.get('refresh_token') : form.get('password')
    return issueToken(context, {
      request: c.req.raw,
      user: form.get('username') ?? basic?.user ?? '',
      secret: secret ?? basic?.password,
      scopes: form.getAll('scope'),
    })
  })
}
