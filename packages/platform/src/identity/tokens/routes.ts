import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { ApiTokenList, CreatedToken, CreateTokenRequest } from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { createOwnToken, toApiToken } from './create-own-token.ts'
import { listTokens } from './list-tokens.ts'
import { revokeToken } from './revoke-token.ts'

const createTokenRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/tokens',
  summary: 'Create a token for the caller',
  request: body(CreateTokenRequest),
  responses: {
    201: json(CreatedToken, 'Token created. Its secret is not shown again'),
    ...authenticated,
    404: problem('The organisation or project does not exist, or the caller is not a member'),
  },
})

const listTokensRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/tokens',
  summary: "List the caller's tokens",
  responses: { 200: json(ApiTokenList, 'The tokens, without their secrets'), ...authenticated },
})

const revokeTokenRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/tokens/{id}',
  summary: "Revoke one of the caller's tokens",
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    204: { description: 'Token revoked' },
    ...authenticated,
    404: problem('The caller has no such token'),
  },
})

export function mountTokenRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(createTokenRoute, async (c) =>
    c.json(await createOwnToken(options.identity, await callerOf(options, c), c.req.valid('json')), 201),
  )
  api.openapi(listTokensRoute, async (c) => {
    const { subject } = await callerOf(options, c)
    const tokens = await listTokens(options.identity, subject)
    return c.json({ tokens: tokens.map(toApiToken) }, 200)
  })
  api.openapi(revokeTokenRoute, async (c) => {
    const { subject } = await callerOf(options, c)
    await revokeToken(options.identity, c.req.valid('param').id, subject)
    return c.body(null, 204)
  })
}
