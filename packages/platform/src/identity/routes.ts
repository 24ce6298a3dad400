import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  Account,
  ApiTokenList,
  AuditPage,
  CreateAccountRequest,
  CreatedToken,
  CreateOrganisationRequest,
  CreateProjectRequest,
  CreateSessionRequest,
  CreateTokenRequest,
  Me,
  Member,
  MemberList,
  Organisation,
  OrganisationList,
  Project,
  ProjectList,
  Session,
  SetMemberRequest,
  Slug,
} from '@trainyard/contract'
import type { Context } from 'hono'
import { TrainyardError } from '../errors.ts'
import { clientAddress } from '../http/client-address.ts'
import { createApi } from '../http/create-api.ts'
import type { Logger } from '../log.ts'
import type { Authenticator } from './authenticator.ts'
import type { Caller } from './caller.ts'
import { createAccount } from './create-account.ts'
import { createSession } from './create-session.ts'
import { getMe } from './get-me.ts'
import { giveToken, toApiToken } from './give-token.ts'
import { listMembers, removeMember, setMember } from './members.ts'
import type { Identity } from './open-identity.ts'
import { createOrganisation, createProject, listOrganisations, listProjects } from './organisations.ts'
import { passwordRoutes } from './password-routes.ts'
import { readAuditPage } from './read-audit-page.ts'
import { body, common, inOrganisation, json, problem, tags } from './route-parts.ts'
import { sessionRoutes } from './session-routes.ts'

const OrganisationParams = z.object({ organisation: Slug })

const accountRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/accounts', summary: 'Sign up' },
  request: body(CreateAccountRequest),
  responses: {
    201: json(Account, 'The account'),
    403: problem('Accounts are made by an operator here'),
    409: problem('There is an account with this email'),
    429: problem('Too many tries'),
  },
})
const sessionRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/sessions', summary: 'Sign in' },
  request: body(CreateSessionRequest),
  responses: {
    201: json(Session, 'The session'),
    401: problem('The email or the password is wrong'),
    429: problem('Too many tries'),
  },
})
const endSessionRoute = createRoute({
  ...{ tags, method: 'delete', path: '/v1/sessions/current', summary: 'Sign out' },
  responses: { 204: { description: 'The session is of no use any more' }, ...common },
})
const meRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/me', summary: 'Who you are, and where you may do something' },
  responses: { 200: json(Me, 'You'), ...common },
})
const listOrganisationsRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/organisations', summary: 'The organisations that you are in' },
  responses: { 200: json(OrganisationList, 'All of them'), ...common },
})
const createOrganisationRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/organisations', summary: 'Make an organisation: its name is a namespace' },
  request: body(CreateOrganisationRequest),
  responses: { 201: json(Organisation, 'You own it'), ...common, 409: problem('The name is taken') },
})
const listMembersRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/organisations/{organisation}/members', summary: 'The people' },
  request: { params: OrganisationParams },
  responses: { 200: json(MemberList, 'All of them'), ...inOrganisation },
})
const setMemberRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/organisations/{organisation}/members' },
  summary: 'Add somebody who has an account, or change their role',
  request: { params: OrganisationParams, ...body(SetMemberRequest) },
  responses: { 200: json(Member, 'They are in'), ...inOrganisation, 409: problem('It would leave no owner') },
})
const removeMemberRoute = createRoute({
  ...{ tags, method: 'delete', path: '/v1/organisations/{organisation}/members/{account}' },
  summary: 'Take somebody out, or leave',
  request: { params: OrganisationParams.extend({ account: z.string().max(100) }) },
  responses: { 204: { description: 'They are out' }, ...inOrganisation, 409: problem('It would leave no owner') },
})
const listProjectsRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/organisations/{organisation}/projects', summary: 'The projects you can see' },
  request: { params: OrganisationParams },
  responses: { 200: json(ProjectList, 'All of them'), ...inOrganisation },
})
const createProjectRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/organisations/{organisation}/projects', summary: 'Make a project' },
  request: { params: OrganisationParams, ...body(CreateProjectRequest) },
  responses: { 201: json(Project, 'It is there'), ...inOrganisation, 409: problem('The name is taken') },
})
const auditRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/organisations/{organisation}/audit', summary: 'Who did what, newest first' },
  request: {
    params: OrganisationParams,
    query: z.object({
      cursor: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
  },
  responses: { 200: json(AuditPage, 'One page'), ...inOrganisation },
})
const createTokenRoute = createRoute({
  ...{ tags, method: 'post', path: '/v1/tokens', summary: 'Make a token of your own' },
  request: body(CreateTokenRequest),
  responses: {
    201: json(CreatedToken, 'The token; its secret is shown this once'),
    ...common,
    404: problem('You are in no such organisation or project'),
  },
})
const listTokensRoute = createRoute({
  ...{ tags, method: 'get', path: '/v1/tokens', summary: 'Your tokens' },
  responses: { 200: json(ApiTokenList, 'Without their secrets'), ...common },
})
const revokeTokenRoute = createRoute({
  ...{ tags, method: 'delete', path: '/v1/tokens/{id}', summary: 'End one of your tokens' },
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    204: { description: 'It is of no use any more' },
    ...common,
    404: problem('You have no such token'),
  },
})

export interface IdentityRoutesOptions {
  identity: Identity
  authenticator: Authenticator
  logger: Logger
}

/** Accounts, sessions, organisations, projects and tokens, to be mounted by a server. */
export function identityRoutes(options: IdentityRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: options.logger })
  // Read when a request comes: the routes can be described where there is nothing to serve them with.
  const callerOf = (c: Context): Promise<Caller> => options.authenticator.authenticate(c.req.raw)
  const addressOf = (c: Context) => clientAddress(c.req.raw, options.authenticator.config.trustedProxies)

  api.openapi(accountRoute, async (c) => {
    const { identity, authenticator } = options
    const how = { auth: authenticator.config, caller: await findCaller(authenticator, c), address: addressOf(c) }
    return c.json(await createAccount(identity, c.req.valid('json'), how), 201)
  })
  api.openapi(sessionRoute, async (c) => {
    const { sessionDays } = options.authenticator.config
    const session = await createSession(options.identity, c.req.valid('json'), { sessionDays, address: addressOf(c) })
    c.header('cache-control', 'no-store')
    return c.json(session, 201)
  })
  api.openapi(endSessionRoute, async (c) => {
    const { credentials, tokenId, subject } = await callerOf(c)
    if (credentials !== 'session' || tokenId === undefined)
      throw new TrainyardError('forbidden', 'This is no session: end a token with DELETE /v1/tokens/{id}')
    await options.identity.revokeToken(tokenId, subject)
    return c.body(null, 204)
  })
  api.openapi(meRoute, async (c) => c.json(await getMe(options.identity, await callerOf(c)), 200))
  api.openapi(listOrganisationsRoute, async (c) =>
    c.json({ organisations: await listOrganisations(options.identity, await callerOf(c)) }, 200),
  )
  api.openapi(createOrganisationRoute, async (c) =>
    c.json(await createOrganisation(options.identity, await callerOf(c), c.req.valid('json')), 201),
  )
  api.openapi(listMembersRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json({ members: await listMembers(options.identity, await callerOf(c), organisation) }, 200)
  })
  api.openapi(setMemberRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json(await setMember(options.identity, await callerOf(c), organisation, c.req.valid('json')), 200)
  })
  api.openapi(removeMemberRoute, async (c) => {
    const { organisation, account } = c.req.valid('param')
    await removeMember(options.identity, await callerOf(c), organisation, account)
    return c.body(null, 204)
  })
  api.openapi(listProjectsRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json({ projects: await listProjects(options.identity, await callerOf(c), organisation) }, 200)
  })
  api.openapi(createProjectRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json(await createProject(options.identity, await callerOf(c), organisation, c.req.valid('json')), 201)
  })
  api.openapi(auditRoute, async (c) => {
    const { organisation } = c.req.valid('param')
    return c.json(await readAuditPage(options.identity, await callerOf(c), organisation, c.req.valid('query')), 200)
  })
  api.openapi(createTokenRoute, async (c) =>
    c.json(await giveToken(options.identity, await callerOf(c), c.req.valid('json')), 201),
  )
  api.openapi(listTokensRoute, async (c) => {
    const { subject } = await callerOf(c)
    return c.json({ tokens: (await options.identity.listTokens(subject)).map(toApiToken) }, 200)
  })
  api.openapi(revokeTokenRoute, async (c) => {
    const { subject } = await callerOf(c)
    await options.identity.revokeToken(c.req.valid('param').id, subject)
    return c.body(null, 204)
  })
  api.route('/', sessionRoutes(options))
  api.route('/', passwordRoutes(options))
  return api
}

/** Whoever signs up need not be anybody yet; a credential that is sent has to be valid all the same. */
async function findCaller(authenticator: Authenticator, c: Context): Promise<Caller | undefined> {
  try {
    return await authenticator.authenticate(c.req.raw)
  } catch (error) {
    // On a machine of one's own everybody is somebody, and whoever is refused there is a page from elsewhere.
    const isAnonymous = authenticator.config.mode === 'required' && c.req.header('authorization') === undefined
    if (isAnonymous && error instanceof TrainyardError && error.code === 'unauthenticated') return undefined
    throw error
  }
}
