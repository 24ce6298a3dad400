import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { Account, CreateAccountRequest, Me } from '@trainyard/contract'
import type { Context } from 'hono'
import { TrainyardError } from '../../errors.ts'
import { authenticated, body, json, problem, tags } from '../api/descriptions.ts'
import { addressOf, callerOf, type IdentityRoutesOptions } from '../api/options.ts'
import type { Caller } from '../permissions/caller.ts'
import { createAccount } from './create-account.ts'
import { getMe } from './get-me.ts'

const createAccountRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/accounts',
  summary: 'Sign up',
  request: body(CreateAccountRequest),
  responses: {
    201: json(Account, 'Account created'),
    403: problem('Only an operator can create accounts here'),
    409: problem('An account with this email already exists'),
    429: problem('Too many attempts'),
  },
})

const meRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/me',
  summary: "Get the caller's account, roles and projects",
  responses: { 200: json(Me, 'The caller'), ...authenticated },
})

export function mountAccountRoutes(api: OpenAPIHono, options: IdentityRoutesOptions): void {
  api.openapi(createAccountRoute, async (c) => {
    const { identity, authenticator } = options
    const caller = await findCaller(options, c)
    const account = await createAccount(identity, c.req.valid('json'), {
      auth: authenticator.config,
      caller,
      address: addressOf(options, c),
    })
    return c.json(account, 201)
  })
  api.openapi(meRoute, async (c) => c.json(await getMe(options.identity, await callerOf(options, c)), 200))
}

/** Signing up needs no credentials, but credentials that are sent must be valid. */
export async function findCaller(options: IdentityRoutesOptions, c: Context): Promise<Caller | undefined> {
  const { authenticator } = options
  try {
    return await callerOf(options, c)
  } catch (error) {
    // With AUTH=local every request of this machine is authenticated: what is refused there is a page of another site.
    const isAnonymous = authenticator.config.mode === 'required' && c.req.header('authorization') === undefined
    if (isAnonymous && error instanceof TrainyardError && error.code === 'unauthenticated') return undefined
    throw error
  }
}
