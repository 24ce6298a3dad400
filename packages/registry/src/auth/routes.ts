import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RegistryContext } from '../context.ts'
import { OciError, ociErrorResponse } from '../oci/errors.ts'
import { bodyOf, readLimited } from '../oci/streams.ts'
import { basicPassword } from './authenticate.ts'
import { ANONYMOUS, type Caller, type RepositoryGrant } from './caller.ts'
import { findCaller } from './find-caller.ts'

/** Scopes of many repositories fit. */
const MAX_FORM_BYTES = 64 * 1024

/** Scopes such as `repository:acme/yolo:pull,push`, repeated or joined by spaces. */
function parseScopes(values: readonly string[]): { name: string; actions: string[] }[] {
  return values
    .flatMap((value) => value.split(' '))
    .flatMap((scope) => {
      const match = /^repository(?:\([^)]*\))?:([^:]+):(.+)$/.exec(scope)
      return match?.[1] && match[2] ? [{ name: match[1], actions: match[2].split(',') }] : []
    })
}

/** Grants the part of what is asked that the caller has: a client that gets less finds out when it tries. */
function grantAccess(caller: Caller, asked: readonly { name: string; actions: string[] }[]): RepositoryGrant[] {
  return asked.flatMap(({ name, actions }) => {
    const all = actions.includes('*')
    const granted = (['pull', 'push'] as const).filter(
      (action) => (all || actions.includes(action)) && caller.may(action, name),
    )
    // `inspect` is never asked for: it tells pulls of the owner from everybody's.
    const inspect = caller.may('inspect', name) ? (['inspect'] as const) : []
    return granted.length === 0 ? [] : [{ type: 'repository', name, actions: [...granted, ...inspect] }]
  })
}

interface TokenRequest {
  secret: string | undefined
  scopes: string[]
}

/** The token endpoint of the distribution spec's clients: GET with Basic, POST as an OAuth2 form. */
export function mountTokenRoutes(app: OpenAPIHono, context: RegistryContext): void {
  const answer = async ({ secret, scopes }: TokenRequest): Promise<Response> => {
    const found = secret === undefined ? ANONYMOUS : await findCaller(context, secret)
    if (found === undefined) {
      const detail = 'the password is not a valid token: it is unknown, has expired or was revoked'
      return ociErrorResponse(
        new OciError('UNAUTHORIZED', `${detail}; make one with POST /v1/tokens and log in with it as the password`),
        'GET',
      )
    }
    const caller = found
    const issuedAt = context.clock.now()
    const issued = await context.tokens.issue({
      subject: caller.subject,
      access: grantAccess(caller, parseScopes(scopes)),
      ...(caller.tokenId === undefined ? {} : { tokenId: caller.tokenId }),
      expiresInSeconds: context.config.tokenSeconds,
    })
    return Response.json({
      token: issued.value,
      access_token: issued.value,
      expires_in: context.config.tokenSeconds,
      issued_at: issuedAt.toISOString(),
    })
  }

  app.get('/token', (c) => {
    const header = c.req.header('authorization')
    const secret = header === undefined ? undefined : (basicPassword(header) ?? header.replace(/^bearer\s+/i, ''))
    return answer({ secret, scopes: c.req.queries('scope') ?? [] })
  })

  app.post('/token', async (c) => {
    const body = await readLimited(bodyOf(c.req.raw), MAX_FORM_BYTES)
    if (!body) {
      const message = `the form has more than ${MAX_FORM_BYTES} bytes`
      return ociErrorResponse(new OciError('SIZE_INVALID', message, { status: 413 }), 'POST')
    }
    const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
    const header = c.req.header('authorization')
    const grantType = form.get('grant_type') ?? 'password'
    const secret =
      (grantType === 'refresh_token' ? form.get('refresh_token') : form.get('password')) ??
      (header === undefined ? undefined : basicPassword(header))
    return answer({ secret: secret ?? undefined, scopes: form.getAll('scope') })
  })
}
