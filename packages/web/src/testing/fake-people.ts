import {
  ChangePasswordRequest,
  type CreatedMemberInvitation,
  type CreatedToken,
  CreateOrganisationRequest,
  CreateProjectRequest,
  CreateSessionRequest,
  CreateTokenRequest,
  InviteAccountRequest,
  type Me,
  type Member,
  type Organisation,
  type PasswordReset,
  type Project,
  RedeemMemberInvitationRequest,
  RedeemPasswordResetRequest,
  RedeemSignInCodeRequest,
  type SessionInfo,
  SetMemberRequest,
  SignUpRequest,
  type SignUpState,
} from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import { problem } from './fake-problem.ts'
import { NOW } from './fixtures.ts'

/** What the scripted servers know of people. */
export interface FakePeople {
  /** Accounts that can sign in, by email; the first is the operator. Empty: everyone is the local owner. */
  people: Record<string, { displayName: string; password: string }>
  organisations: (Organisation & {
    members: Member[]
    invitations?: CreatedMemberInvitation[] | undefined
    projects: Project[]
  })[]
  tokens: Omit<CreatedToken, 'secret'>[]
  sessions: SessionInfo[]
  signUp: SignUpState['signUp']
  /** Codes of links that sign a browser in as the local owner. */
  codes: string[]
  auth: SignUpState['auth']
  /** Whether a mail server is configured. */
  sendsMail: boolean
  /** The devices that sign-ins named. */
  devices: (string | undefined)[]
  /** The secret that the first account needs. */
  setupSecret: string
  /** Secrets of password links, with the email of their account. */
  resets: Record<string, string>
}

const AT = '2026-11-20T09:00:00Z'
const inDays = (days: number) => new Date(NOW.getTime() + days * 86_400_000).toISOString()

export function fakePeople(state: Partial<FakePeople>): FakePeople {
  return {
    people: {},
    organisations: [],
    tokens: [],
    sessions: [],
    signUp: 'open',
    devices: [],
    sendsMail: false,
    codes: [],
    auth: 'required',
    setupSecret: 'ty_setup',
    resets: {},
    ...state,
  }
}

/** The routes of people, with no more rules than the pages show. */
export function fakePeopleRoutes(known: FakePeople): Hono {
  const app = new Hono()
  const account = (email: string) => ({
    id: `acc_${email}`,
    email,
    displayName: known.people[email]?.displayName ?? email,
    operator: Object.keys(known.people)[0] === email,
    createdAt: AT,
  })
  const newReset = (email: string): PasswordReset => {
    const secret = `ty_reset${Object.keys(known.resets).length}`
    known.resets[secret] = email
    return { secret, expiresAt: inDays(1), account: account(email) }
  }
  const local = { id: 'acc_local', displayName: 'Local owner', operator: true, createdAt: AT }
  const self = (c: Context) => {
    const email = emailOf(c)
    return email === undefined ? local : account(email)
  }
  for (const path of ['/v1/me', '/v1/me/*', '/v1/tokens', '/v1/tokens/*', '/v1/organisations', '/v1/organisations/*']) {
    app.use(path, async (c, next) => (isSignedIn(known, c) ? await next() : unauthenticated()))
  }
  app.get('/v1/me', (c) =>
    c.json({
      account: self(c),
      organisations: known.organisations.map(({ slug, role }) => ({ slug, role })),
      projects: known.organisations.flatMap(({ projects, role }) => projects.map(({ name }) => ({ name, role }))),
      credentials: 'session',
    } satisfies Me),
  )
  app.post('/v1/me/password', async (c) => {
    const { currentPassword, newPassword } = ChangePasswordRequest.parse(await c.req.json())
    const person = known.people[emailOf(c) ?? '']
    if (person?.password !== currentPassword)
      return problem('unprocessable', 'currentPassword is not the password of this account')
    person.password = newPassword
    return c.body(null, 204)
  })
  app.post('/v1/sessions', async (c) => {
    const { email, password, device } = CreateSessionRequest.parse(await c.req.json())
    known.devices.push(device)
    if (password === 'limited password')
      return problem('rate_limited', 'Too many attempts; wait 14 minutes', { 'retry-after': '840' })
    if (known.people[email]?.password !== password)
      return problem('unauthenticated', 'The email or the password is wrong')
    const session = { secret: `session-${email}`, expiresAt: tomorrow(), account: account(email) }
    return c.json({ ...session, device: { secret: `device-${email}`, expiresAt: inDays(400) } }, 201)
  })
  app.post('/v1/sessions/codes/redeem', async (c) => {
    const { secret } = RedeemSignInCodeRequest.parse(await c.req.json())
    const at = known.codes.indexOf(secret)
    if (at === -1) return problem('unauthenticated', 'The link was used or has expired')
    known.codes.splice(at, 1)
    return c.json({ secret: 'session-owner@local', expiresAt: tomorrow(), account: local }, 201)
  })
  app.get('/v1/sessions', (c) => c.json({ sessions: known.sessions }))
  app.delete('/v1/sessions/current', (c) => c.body(null, 204))
  app.delete('/v1/sessions/:id', (c) => (take(known.sessions, c) ? c.body(null, 204) : missing('session')))
  app.get('/v1/accounts/sign-up', (c) =>
    c.json({
      signUp: known.signUp,
      auth: known.auth,
    } satisfies SignUpState),
  )
  app.post('/v1/accounts', async (c) => {
    const { email, password, displayName, setupSecret, invitation } = SignUpRequest.parse(await c.req.json())
    const isInvited = known.organisations.some(({ invitations = [] }) =>
      invitations.some((one) => one.secret === invitation && one.email === email),
    )
    if (known.signUp === 'closed' && !isInvited) return problem('forbidden', 'Sign-up is closed here')
    if (known.signUp === 'setup' && setupSecret !== known.setupSecret)
      return problem('forbidden', 'setupSecret is not the set-up secret of this installation')
    known.people[email] ??= { displayName: displayName ?? email, password }
    return c.body(null, 202)
  })
  app.post('/v1/accounts/invitations', async (c) => {
    const { email, displayName } = InviteAccountRequest.parse(await c.req.json())
    if (known.people[email] !== undefined) return problem('conflict', 'An account with this email already exists')
    known.people[email] = { displayName: displayName ?? email, password: '' }
    return c.json(newReset(email), 201)
  })
  app.post('/v1/accounts/password-resets', async (c) => {
    const { email } = (await c.req.json()) as { email: string }
    if (known.people[email] === undefined) return problem('not_found', `Account "${email}" not found`)
    return c.json(newReset(email), 201)
  })
  app.post('/v1/accounts/password-resets/redeem', async (c) => {
    const { secret, newPassword } = RedeemPasswordResetRequest.parse(await c.req.json())
    const person = known.people[known.resets[secret] ?? '']
    if (person === undefined) return problem('unauthenticated', 'The reset link was used, replaced or is too old')
    delete known.resets[secret]
    person.password = newPassword
    return c.body(null, 204)
  })
  app.get('/v1/tokens', (c) => c.json({ tokens: known.tokens }))
  app.post('/v1/tokens', async (c) => {
    const request = CreateTokenRequest.safeParse(await c.req.json())
    if (!request.success) return problem('invalid_request', 'The scopes are not valid')
    const { expiresInDays, ...rest } = request.data
    const token = {
      ...rest,
      id: `tok_${known.tokens.length + 1}`,
      createdBy: { credentials: 'session' as const, id: 'ses_1' },
      createdAt: NOW.toISOString(),
      expiresAt: expiresInDays === undefined ? undefined : inDays(expiresInDays),
    }
    known.tokens.unshift(token)
    return c.json({ ...token, secret: `ty_${'0123456789abcdef'.repeat(3)}deadbeef` } satisfies CreatedToken, 201)
  })
  app.delete('/v1/tokens/:id', (c) => (take(known.tokens, c) ? c.body(null, 204) : missing('token')))

  const find = (c: Context) => known.organisations.find(({ slug }) => slug === c.req.param('organisation'))
  app.get('/v1/organisations', (c) => c.json({ organisations: known.organisations }))
  app.post('/v1/organisations', async (c) => {
    const request = CreateOrganisationRequest.safeParse(await c.req.json())
    if (!request.success) return problem('invalid_request', 'slug must be lower-case letters')
    const { slug, displayName = slug } = request.data
    if (known.organisations.some((one) => one.slug === slug)) return problem('conflict', `The name "${slug}" is taken`)
    const { id, displayName: name } = self(c)
    const made = { id: `org_${slug}`, slug, displayName, createdAt: AT, role: 'owner' } as const
    known.organisations.push({
      ...made,
      members: [{ accountId: id, displayName: name, role: 'owner', since: AT }],
      projects: [{ id: `prj_${slug}`, name: `${slug}/default`, displayName: 'Default', createdAt: AT }],
    })
    return c.json(made, 201)
  })
  app.get('/v1/organisations/:organisation/members', (c) => {
    const { members = [], invitations = [] } = find(c) ?? {}
    return c.json({ members, invitations })
  })
  app.post('/v1/organisations/:organisation/members', async (c) => {
    const { email, role } = SetMemberRequest.parse(await c.req.json())
    const members = find(c)?.members ?? []
    if (!known.organisations.some((one) => one.members.some((member) => member.email === email))) {
      const secret = `ty_invite${(find(c)?.invitations ?? []).length}`
      const id = `inv_${email}`
      const invitation = { id, email, role, createdAt: AT, expiresAt: inDays(7), secret, emailed: known.sendsMail }
      const organisation = find(c)
      if (organisation !== undefined) organisation.invitations = [...(organisation.invitations ?? []), invitation]
      return c.json(invitation, 202)
    }
    const { id, displayName } = account(email)
    const member = { accountId: id, email, displayName, role, since: AT } satisfies Member
    const at = members.findIndex(({ accountId }) => accountId === id)
    members.splice(at === -1 ? members.length : at, 1, member)
    return c.json(member)
  })
  app.delete('/v1/organisations/:organisation/members/:id', (c) => {
    const members = find(c)?.members ?? []
    const at = members.findIndex(({ accountId }) => accountId === c.req.param('id'))
    if (members[at]?.role === 'owner') return problem('conflict', 'An organisation needs an owner')
    members.splice(at, 1)
    return c.body(null, 204)
  })
  app.delete('/v1/organisations/:organisation/invitations/:id', (c) =>
    take(find(c)?.invitations ?? [], c) ? c.body(null, 204) : missing('invitation'),
  )
  app.post('/v1/organisations/:organisation/invitations/redeem', async (c) => {
    const { secret } = RedeemMemberInvitationRequest.parse(await c.req.json())
    const organisation = find(c)
    const invitation = organisation?.invitations?.find((one) => one.secret === secret)
    if (organisation === undefined || invitation === undefined)
      return problem('not_found', 'The invitation was used, replaced or withdrawn, or has expired')
    const { id, email, displayName } = self(c) as ReturnType<typeof account>
    if (email !== invitation.email) return problem('forbidden', 'This invitation is for another email')
    organisation.invitations = organisation.invitations?.filter((one) => one !== invitation)
    organisation.members.push({ accountId: id, email, displayName, role: invitation.role, since: AT })
    return c.json(organisation)
  })
  app.get('/v1/organisations/:organisation/projects', (c) => c.json({ projects: find(c)?.projects ?? [] }))
  app.post('/v1/organisations/:organisation/projects', async (c) => {
    const { slug, displayName = slug } = CreateProjectRequest.parse(await c.req.json())
    const name = `${c.req.param('organisation')}/${slug}`
    const project = { id: `prj_${slug}`, name, displayName, createdAt: AT } satisfies Project
    find(c)?.projects.push(project)
    return c.json(project, 201)
  })
  app.get('/v1/organisations/:organisation/audit', (c) =>
    c.json({
      rows: [
        { id: 1, at: AT, actor: self(c).id, action: 'project.create', subject: 'prj_1', data: {} },
        {
          id: 2,
          at: AT,
          actor: 'acc_gone',
          actorName: 'Grace Hopper',
          credentials: 'token',
          token: { id: 'tok_9', name: 'nightly' },
          address: '192.0.2.7',
          action: 'job.delete',
          subject: 'job:7',
          subjectName: 'night run',
          data: {},
        },
      ],
      nextCursor: '1',
    }),
  )
  return app
}

/** The secret of a session is the email in it. */
function emailOf(c: Context): string | undefined {
  return /^Bearer session-(.+)$/.exec(c.req.header('authorization') ?? '')?.[1]
}

export function isSignedIn({ people }: Pick<FakePeople, 'people'>, c: Context): boolean {
  return Object.keys(people).length === 0 || emailOf(c) !== undefined
}

export const unauthenticated = () => problem('unauthenticated', 'This needs a token or a session')
const missing = (what: string) => problem('not_found', `There is no such ${what} of yours here`)
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()

function take(list: { id: string }[], c: Context): boolean {
  const at = list.findIndex(({ id }) => id === c.req.param('id'))
  return at !== -1 && list.splice(at, 1).length === 1
}
