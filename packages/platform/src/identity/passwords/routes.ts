import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  ChangePasswordRequest,
  CreatePasswordResetRequest,
  PasswordReset,
  RedeemPasswordResetRequest,
} from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { addressOf, callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { changePassword } from './change-password.ts'
import { createResetAsOperator } from './create-reset.ts'
import { redeemReset } from './redeem-reset.ts'

const changePasswordRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/me/password',
  summary: "Change the caller's password and end all other sessions",
  request: body(ChangePasswordRequest),
  responses: {
    204: { description: 'Password changed' },
    ...authenticated,
    422: problem('The current password is wrong, or the account has no password'),
    429: problem('Too many attempts'),
  },
})

const createResetRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/accounts/password-resets',
  summary: 'Create a password reset for an account (operators only)',
  request: body(CreatePasswordResetRequest),
  responses: {
    201: json(PasswordReset, 'Reset created. Give its secret to the person; it is not shown again'),
    ...authenticated,
    404: problem('The account does not exist or is disabled'),
  },
})

const redeemResetRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/accounts/password-resets/redeem',
  summary: 'Set a new password with a reset and end all sessions',
  request: body(RedeemPasswordResetRequest),
  responses: {
    204: { description: 'Password changed' },
    401: problem('The reset was used or replaced, or has expired'),
    429: problem('Too many attempts'),
  },
})

export function mountPasswordRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(changePasswordRoute, async (c) => {
    await changePassword(options.identity, await callerOf(options, c), c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(createResetRoute, async (c) => {
    const caller = await callerOf(options, c)
    const reset = await createResetAsOperator(options.identity, caller, c.req.valid('json').email)
    c.header('cache-control', 'no-store')
    return c.json(reset, 201)
  })
  api.openapi(redeemResetRoute, async (c) => {
    await redeemReset(options.identity, c.req.valid('json'), { address: addressOf(options, c) })
    return c.body(null, 204)
  })
}
