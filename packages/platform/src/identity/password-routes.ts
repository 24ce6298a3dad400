import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  ChangePasswordRequest,
  CreatePasswordResetRequest,
  PasswordReset,
  RedeemPasswordResetRequest,
} from '@trainyard/contract'
import { clientAddress } from '../http/client-address.ts'
import { createApi } from '../http/create-api.ts'
import { changePassword } from './change-password.ts'
import { giveReset, redeemReset } from './password-resets.ts'
import { body, common, json, problem, tags } from './route-parts.ts'
import type { IdentityRoutesOptions } from './routes.ts'

const changeRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/me/password', summary: 'Change your password; other sessions end' },
  request: body(ChangePasswordRequest),
  responses: {
    204: { description: 'The new one holds' },
    ...common,
    422: problem('The current password is wrong, or there is none'),
    429: problem('Too many tries'),
  },
})
const createResetRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/accounts/password-resets' },
  summary: 'Let somebody choose a new password: for operators',
  request: body(CreatePasswordResetRequest),
  responses: {
    201: json(PasswordReset, 'Give its secret to that person; it is shown this once'),
    ...common,
    404: problem('There is no such account'),
  },
})
const redeemRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/accounts/password-resets/redeem' },
  summary: 'Choose a new password with a reset; all sessions end',
  request: body(RedeemPasswordResetRequest),
  responses: {
    204: { description: 'The new password holds' },
    401: problem('The reset was used, replaced or is too old'),
    429: problem('Too many tries'),
  },
})

/** Changing a password, and what helps who forgot it. */
export function passwordRoutes(options: IdentityRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: options.logger })
  api.openapi(changeRoute, async (c) => {
    const caller = await options.authenticator.authenticate(c.req.raw)
    await changePassword(options.identity, caller, c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(createResetRoute, async (c) => {
    const caller = await options.authenticator.authenticate(c.req.raw)
    const reset = await giveReset(options.identity, caller, c.req.valid('json').email)
    c.header('cache-control', 'no-store')
    return c.json(reset, 201)
  })
  api.openapi(redeemRoute, async (c) => {
    const address = clientAddress(c.req.raw, options.authenticator.config.trustedProxies)
    await redeemReset(options.identity, c.req.valid('json'), { address })
    return c.body(null, 204)
  })
  return api
}
