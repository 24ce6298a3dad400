import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { ApiToken, CreatedToken, CreateTokenRequest, Problem } from '@trainyard/sdk/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { createToken, listTokens, revokeToken } from './manage-tokens.ts'

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})

const create = createRoute({
  method: 'post',
  path: '/v1/tokens',
  summary: 'Make a token of your own',
  tags: ['tokens'],
  request: { body: { required: true, content: { 'application/json': { schema: CreateTokenRequest } } } },
  responses: {
    201: {
      description: 'The token; its secret is shown this once',
      content: { 'application/json': { schema: CreatedToken } },
    },
    401: problem('No valid token'),
    403: problem('More than the token has'),
  },
})

const list = createRoute({
  method: 'get',
  path: '/v1/tokens',
  summary: 'Your tokens',
  tags: ['tokens'],
  responses: {
    200: {
      description: 'Without their secrets',
      content: { 'application/json': { schema: z.object({ tokens: z.array(ApiToken) }) } },
    },
    401: problem('No valid token'),
  },
})

const revoke = createRoute({
  method: 'delete',
  path: '/v1/tokens/{id}',
  summary: 'End one of your tokens',
  tags: ['tokens'],
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: { 204: { description: 'It is of no use any more' }, 404: problem('You have no such token') },
})

export function mountTokenRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(create, async (c) => {
    const caller = await requireCaller(context, c.req.header('authorization'))
    return c.json(await createToken(context, caller, c.req.valid('json')), 201)
  })
  api.openapi(list, async (c) => {
    const caller = await requireCaller(context, c.req.header('authorization'))
    return c.json({ tokens: await listTokens(context, caller) }, 200)
  })
  api.openapi(revoke, async (c) => {
    const caller = await requireCaller(context, c.req.header('authorization'))
    await revokeToken(context, caller, c.req.valid('param').id)
    return c.body(null, 204)
  })
}
