import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { ApiTokenList, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { createOwnToken, listOwnTokens, revokeOwnToken } from './own-tokens.ts'

const createTokenRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/tokens',
  summary: 'Create a token for the caller',
  description:
    'Needs a session or the scope `tokens:manage`. The token has no more scopes than the caller, and ends with the token that creates it.',
  request: body(CreateTokenRequest),
  responses: {
    201: json(CreatedToken, 'Token created. Its secret is not shown again'),
    ...authenticated,
    404: problem('The organisation or project does not exist, or the caller is not a member'),
    409: problem('The caller has the maximum number of tokens'),
    422: problem('The token would outlive the one that creates it, or the longest lifetime that is allowed'),
  },
})

const listTokensRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/tokens',
  summary: "List the caller's tokens",
  description: 'Needs a session or the scope `tokens:manage`.',
  responses: { 200: json(ApiTokenList, 'The tokens, without their secrets'), ...authenticated },
})

const revokeTokenRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/tokens/{id}',
  summary: "Revoke one of the caller's tokens, and those that it created",
  description: 'Needs a session or the scope `tokens:manage`.',
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    204: { description: 'Token revoked' },
    ...authenticated,
    404: problem('The caller has no such token'),
  },
})

export function mountTokenRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(createTokenRoute, async (c) => {
    const { tokenMaxDays: maxDays } = options.authenticator.config
    return c.json(
      await createOwnToken(options.identity, await callerOf(options, c), c.req.valid('json'), { maxDays }),
      201,
    )
  })
  api.openapi(listTokensRoute, async (c) =>
    c.json({ tokens: await listOwnTokens(options.identity, await callerOf(options, c)) }, 200),
  )
  api.openapi(revokeTokenRoute, async (c) => {
    await revokeOwnToken(options.identity, await callerOf(options, c), c.req.valid('param').id)
    return c.body(null, 204)
  })
}
