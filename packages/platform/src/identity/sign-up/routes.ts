import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { InviteAccountRequest, PasswordReset, SignUpRequest, SignUpState } from '@trainyard/contract'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { addressOf, callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import { inviteAccount } from './invite-account.ts'
import { signUp, signUpState } from './sign-up.ts'

const signUpStateRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/accounts/sign-up',
  summary: 'Find out who can create an account',
  responses: { 200: json(SignUpState, 'Who can create an account') },
})

const signUpRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/accounts',
  summary: 'Sign up',
  request: body(SignUpRequest),
  responses: {
    202: { description: 'Accepted. An email that has an account gets the same answer, and nothing happens' },
    403: problem('Sign-up is closed, or the set-up secret is missing or wrong'),
    429: problem('Too many attempts'),
  },
})

const inviteRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/accounts/invitations',
  summary: 'Create an account for a person, who chooses the password (operators only)',
  request: body(InviteAccountRequest),
  responses: {
    201: json(PasswordReset, 'Account created. Give its secret to the person; it is not shown again'),
    ...authenticated,
    409: problem('An account with this email already exists'),
  },
})

export function mountSignUpRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(signUpStateRoute, async (c) => {
    c.header('cache-control', 'no-store')
    return c.json(await signUpState(options.identity, options.authenticator.config), 200)
  })
  api.openapi(signUpRoute, async (c) => {
    const { identity, authenticator } = options
    await signUp(identity, c.req.valid('json'), { auth: authenticator.config, address: addressOf(options, c) })
    return c.body(null, 202)
  })
  api.openapi(inviteRoute, async (c) => {
    const invitation = await inviteAccount(options.identity, await callerOf(options, c), c.req.valid('json'))
    c.header('cache-control', 'no-store')
    return c.json(invitation, 201)
  })
}
