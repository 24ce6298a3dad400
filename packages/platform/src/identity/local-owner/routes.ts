import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { RedeemSignInCodeRequest, Session, SignInCode } from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { addressOf, callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { createSignInCodeAs, redeemSignInCode } from './sign-in-codes.ts'

const createCodeRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/sessions/codes',
  summary: 'Create a code that signs a browser in (local owner only)',
  responses: { 201: json(SignInCode, 'Code created. It works once'), ...authenticated },
})

const redeemCodeRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/sessions/codes/redeem',
  summary: 'Sign in with a code',
  request: body(RedeemSignInCodeRequest),
  responses: {
    201: json(Session, 'Session created'),
    401: problem('The code was used, or has expired'),
    429: problem('Too many attempts'),
  },
})

export function mountLocalOwnerRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(createCodeRoute, async (c) => {
    c.header('cache-control', 'no-store')
    return c.json(await createSignInCodeAs(options.identity, await callerOf(options, c)), 201)
  })
  api.openapi(redeemCodeRoute, async (c) => {
    const { sessionDays } = options.authenticator.config
    c.header('cache-control', 'no-store')
    const redeem = { sessionDays, address: addressOf(options, c) }
    return c.json(await redeemSignInCode(options.identity, c.req.valid('json').secret, redeem), 201)
  })
}
