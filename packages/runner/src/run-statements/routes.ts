import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { publicKeysOf, type SigningKeys } from '@trainyard/platform'
import { z } from 'zod'

const Keys = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })) })

const keySet = createRoute({
  tags: ['Runs'],
  method: 'get',
  path: '/.well-known/jwks.json',
  summary: 'The public keys of the statements that this runner sends to registries',
  responses: { 200: { description: 'A JWK set', content: { 'application/json': { schema: Keys } } } },
})

/** Public: a registry verifies statements with it. */
export function runStatementRoutes(keys: SigningKeys): OpenAPIHono {
  const api = new OpenAPIHono()
  api.openapi(keySet, async (c) => {
    c.header('cache-control', 'public, max-age=300')
    return c.json(Keys.parse(await publicKeysOf(keys)), 200)
  })
  return api
}
