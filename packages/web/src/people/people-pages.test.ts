import { describe, expect, test } from 'vitest'
import { peopleFixture } from '../testing/people-fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const ADA = { cookie: 'trainyard_session=session-ada@red.test' }
const BOB = { cookie: 'trainyard_session=session-bob@red.test' }

function open(state = peopleFixture()) {
  const { app, api } = createTestWeb(state)
  return {
    api,
    get: async (path: string, headers: Record<string, string> = ADA) => await app.request(path, { headers }),
    send: async (
      path: string,
      form: Record<string, string> | [string, string][],
      headers: Record<string, string> = ADA,
    ) =>
      await app.request(path, {
        method: 'POST',
        headers: { origin: 'http://localhost', ...headers },
        body: new URLSearchParams(form),
      }),
  }
}

const WRITES: [string, Record<string, string>][] = [
  ['/account/password', { currentPassword: 'correct horse battery', newPassword: 'taken by an intruder' }],
  ['/account/sessions/ses_a/end', {}],
  ['/account/invite', { email: 'eve@x.test' }],
  ['/account/reset-link', { resetEmail: 'bob@red.test' }],
  ['/account/tokens', { name: 'x', scopes: 'admin:*' }],
  ['/account/tokens/tok_a/revoke', {}],
  ['/organisations', { slug: 'intruders' }],
  ['/organisations/red-team/members', { email: 'bob@red.test', role: 'owner' }],
  ['/organisations/red-team/members/acc_bob@red.test/remove', {}],
  ['/organisations/red-team/members', { email: 'intruder@x.test', role: 'owner' }],
  ['/organisations/red-team/invitations/inv_eve@x.test/withdraw', {}],
  ['/organisations/red-team/join', { code: 'ty_invite0' }],
  ['/organisations/red-team/projects', { slug: 'intruder' }],
  ['/reset-password', { code: 'ty_x', newPassword: 'taken by an intruder' }],
]

describe('every account page', () => {
  test.each(['/account', '/account/tokens', '/organisations', '/organisations/red-team'])(
    '%s redirects anonymous visitors to the sign-in page and is never cached',
    async (path) => {
      const { get } = open()
      const anonymous = await get(path, {})
      expect([anonymous.status, anonymous.headers.get('location')]).toEqual([
        303,
        `/sign-in?to=${encodeURIComponent(path)}`,
      ])
      const page = await get(path)
      expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store'])
    },
  )

  test.each(WRITES)('%s refuses forms of other sites', async (path, form) => {
    const { send, api } = open()
    const before = JSON.stringify([api.people, api.tokens, api.organisations, api.sessions, api.resets])
    const refused = await send(path, form, { ...ADA, origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' })
    expect(refused.status).toBe(403)
    expect(JSON.stringify([api.people, api.tokens, api.organisations, api.sessions, api.resets])).toBe(before)
    expect(api.requests.filter((request) => request.startsWith('POST'))).toEqual([])
  })

  test.each(WRITES)('%s exists', async (path, form) => {
    const { send } = open()
    if (/invitations|join/.test(path)) {
      await send('/organisations/red-team/members', { email: 'eve@x.test', role: 'viewer' })
      await send('/organisations/red-team/members', { email: 'ada@red.test', role: 'viewer' })
    }
    // Ada is signed in; the invitation is for Eve.
    expect((await send(path, form)).status).toBeLessThan(path.endsWith('/join') ? 404 : 402)
  })

  test('renders names as text', async () => {
    const state = peopleFixture()
    const [token] = state.tokens
    const [organisation] = state.organisations
    if (token !== undefined) token.name = '<script>alert(1)</script>'
    if (organisation !== undefined) organisation.displayName = '<b>Red</b>'
    const { get } = open(state)
    for (const path of ['/account/tokens', '/organisations', '/organisations/red-team'])
      expect(await (await get(path)).text()).not.toMatch(/<script>alert|<b>Red/)
  })
})

describe('tokens', () => {
  test('are created with scopes, a limit and an expiry; only that response contains the secret', async () => {
    const { send, get, api } = open()
    const made = await send('/account/tokens', [
      ['name', ' ci '],
      ['scopes', 'jobs:read'],
      ['scopes', 'datasets:read'],
      ['moreScopes', 'push:red-team  pull:red-team'],
      ['place', 'red-team/default'],
      ['days', '30'],
    ])
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(await made.text()).toContain('ty_0123456789abcdef')
    expect(api.tokens[0]).toMatchObject({
      name: 'ci',
      scopes: ['jobs:read', 'datasets:read', 'push:red-team', 'pull:red-team'],
      project: 'red-team/default',
      expiresAt: expect.any(String),
    })
    const list = await (await get('/account/tokens')).text()
    expect(list).not.toContain('ty_0123456789abcdef')
    expect(list).toContain('never used')
    expect(list).toContain('created by you, signed in')
  })

  test('without a scope or with an unknown one are refused, and the form keeps its values', async () => {
    const { send, api } = open()
    const none = await send('/account/tokens', { name: 'nothing', place: 'red-team', days: '' })
    expect(none.status).toBe(400)
    const html = await none.text()
    expect(html).toContain('Choose at least one scope')
    expect(html).toContain('value="nothing"')
    expect(html).toMatch(/value="red-team" selected/)
    const odd = await send('/account/tokens', { name: 'odd', moreScopes: 'everything' })
    expect(odd.status).toBe(400)
    expect(await odd.text()).toContain('value="everything"')
    expect(api.tokens).toHaveLength(2)
  })
})

describe('an account', () => {
  test('changes its password with the current one', async () => {
    const { send, api } = open()
    const wrong = await send('/account/password', { currentPassword: 'wrong', newPassword: 'staple battery horse' })
    expect(wrong.status).toBe(422)
    expect(await wrong.text()).not.toContain('staple battery horse')
    const short = await send('/account/password', { currentPassword: 'correct horse battery', newPassword: 'short' })
    expect(short.status).toBe(400)
    const form = { currentPassword: 'correct horse battery', newPassword: 'staple battery horse' }
    expect((await send('/account/password', form)).headers.get('location')).toBe('/account?done=password')
    expect(api.people['ada@red.test']?.password).toBe('staple battery horse')
  })

  test('of an operator creates accounts and password links under the public host name', async () => {
    const { send, get, api } = open()
    expect(await (await get('/account', BOB)).text()).not.toContain('Email of the account')
    const headers = { ...ADA, host: 'yard.test', 'x-forwarded-proto': 'https', origin: 'https://yard.test' }
    const invited = await send(
      '/account/invite',
      { email: 'eve@x.test', displayName: 'Eve' },
      { ...headers, 'sec-fetch-site': 'same-origin' },
    )
    expect(invited.status).toBe(201)
    const html = await invited.text()
    expect(html).toContain('https://yard.test/reset-password?code=ty_reset0')
    expect(api.people['eve@x.test']).toMatchObject({ displayName: 'Eve' })
    expect((await send('/account/invite', { email: 'eve@x.test' })).status).toBe(409)
    expect((await send('/account/reset-link', { resetEmail: 'unknown@x.test' })).status).toBe(404)
  })

  test('of the local owner has no password, and is signed out like others', async () => {
    const { get } = open({ ...peopleFixture(), people: {} })
    const html = await (await get('/account', {})).text()
    expect(html).not.toContain('type="password"')
    expect(html).toContain('/sign-out')
    expect((await get('/account/tokens', {})).status).toBe(200)
    expect((await get('/organisations/red-team', {})).status).toBe(200)
  })
})

describe('a reset link', () => {
  test('sets a password once', async () => {
    const { send, get, api } = open()
    await send('/account/reset-link', { resetEmail: 'bob@red.test' })
    const page = await get('/reset-password?code=ty_reset0', {})
    // The address holds the secret: other sites are told the origin alone.
    expect(page.headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin')
    expect(page.headers.get('cache-control')).toBe('no-store')
    const form = { code: 'ty_reset0', newPassword: 'chosen by Bob alone' }
    const short = await send('/reset-password', { ...form, newPassword: 'short' }, {})
    expect(short.status).toBe(400)
    expect(await short.text()).toContain('value="ty_reset0"')
    const chosen = await send('/reset-password', form, BOB)
    expect(chosen.headers.get('location')).toBe('/sign-in?done=reset')
    expect(chosen.headers.get('set-cookie')).toMatch(/^trainyard_session=; Max-Age=0/)
    expect(api.people['bob@red.test']?.password).toBe('chosen by Bob alone')
    const again = await send('/reset-password', form, {})
    expect(again.status).toBe(401)
    expect(await again.text()).toContain('role="alert"')
  })
})

describe('an organisation', () => {
  test('is created, gains members, and shows refusals beside the form', async () => {
    const { send, get, api } = open()
    expect((await send('/organisations', { slug: 'blue', displayName: 'Blue' })).headers.get('location')).toBe(
      '/organisations/blue',
    )
    expect((await send('/organisations', { slug: 'blue' })).status).toBe(409)
    expect((await send('/organisations/red-team/projects', { slug: 'birds' })).headers.get('location')).toContain(
      'done=project',
    )
    expect((await send('/organisations/red-team/members', { email: 'bob@red.test', role: 'king' })).status).toBe(400)
    await send('/organisations/red-team/members', { email: 'bob@red.test', role: 'admin' })
    expect(api.organisations[0]?.members[1]?.role).toBe('admin')
    const html = await (await get('/organisations/red-team')).text()
    expect(html).toContain('red-team/birds')
    // A member from another issuer has no email and no role to set.
    expect(html.match(/Set the role of/g)).toHaveLength(2)
    expect((await get('/organisations/none')).status).toBe(404)
  })

  test('invites a person without an account, who creates one with the link where sign-up is closed', async () => {
    const { send, get, api } = open({ ...peopleFixture(), signUp: 'closed' })
    await send('/organisations/red-team/members', { email: 'new@x.test', role: 'member' })
    const link = '/organisations/red-team/join?code=ty_invite0'
    const signInPath = String((await get(link, {})).headers.get('location'))
    const signIn = await (await get(signInPath, {})).text()
    expect(signIn).toContain(`href="/sign-up?to=${encodeURIComponent(link)}"`)
    expect(await (await get(`/sign-up?to=${encodeURIComponent(link)}`, {})).text()).toContain('name="password"')
    const form = { password: 'horse battery staple', to: link }
    const other = await send('/sign-up', { ...form, email: 'other@x.test' }, {})
    expect(other.status).toBe(403)
    expect(await other.text()).toContain('name="password"')
    const made = await send('/sign-up', { ...form, email: 'new@x.test' }, {})
    expect(made.headers.get('location')).toBe(`/sign-in?done=sign-up&to=${encodeURIComponent(link)}`)
    expect(api.people).toHaveProperty(['new@x.test'])
  })

  test('says whether the link of an invitation was sent by mail', async () => {
    const { send, api } = open()
    const invite = async () =>
      await (await send('/organisations/red-team/members', { email: 'new@x.test', role: 'member' })).text()
    expect(await invite()).toContain('Send this link to new@x.test')
    api.sendsMail = true
    expect(await invite()).toContain('A mail with this link was sent to new@x.test')
  })

  test('invites whom it does not know by a link, which lets the person with that email join', async () => {
    const state = peopleFixture()
    state.people['eve@x.test'] = { displayName: 'Eve', password: 'horse battery staple' }
    const { send, get, api } = open(state)
    const known = await send('/organisations/red-team/members', { email: 'eve@x.test', role: 'member' })
    const unknown = await send('/organisations/red-team/members', { email: 'none@x.test', role: 'viewer' })
    expect([known.status, unknown.status, known.headers.get('cache-control')]).toEqual([201, 201, 'no-store'])
    const link = '/organisations/red-team/join?code=ty_invite0'
    expect(await known.text()).toContain(`http://localhost${link}`)
    const list = await (await get('/organisations/red-team')).text()
    expect(list).not.toContain('ty_invite0')
    for (const words of ['eve@x.test', 'Withdraw: none@x.test', 'Invited']) expect(list).toContain(words)
    const withdrawn = await send('/organisations/red-team/invitations/inv_none@x.test/withdraw', {})
    expect(withdrawn.headers.get('location')).toBe('/organisations/red-team?done=withdrawn')
    expect(api.organisations[0]?.invitations).toHaveLength(1)

    expect((await get(link, {})).headers.get('location')).toBe(`/sign-in?to=${encodeURIComponent(link)}`)
    expect((await get(link, BOB)).status).toBe(200)
    const other = await send('/organisations/red-team/join', { code: 'ty_invite0' }, BOB)
    expect(other.status).toBe(403)
    const refused = await other.text()
    expect(refused).toContain('This invitation is for another email')
    expect(refused).not.toContain('eve')
    const eve = { cookie: 'trainyard_session=session-eve@x.test' }
    const joined = await send('/organisations/red-team/join', { code: 'ty_invite0' }, eve)
    expect(joined.headers.get('location')).toBe('/organisations/red-team?done=joined')
    expect(api.organisations[0]?.members.at(-1)).toMatchObject({ email: 'eve@x.test', role: 'member' })
    expect((await send('/organisations/red-team/join', { code: 'ty_invite0' }, eve)).status).toBe(404)
  })

  test('keeps its last owner; others can leave', async () => {
    const { send, api } = open()
    expect((await send('/organisations/red-team/members/acc_ada@red.test/remove', {})).status).toBe(409)
    const left = await send('/organisations/red-team/members/acc_bob@red.test/remove', {}, BOB)
    expect(left.headers.get('location')).toBe('/organisations')
    expect(api.organisations[0]?.members).toHaveLength(2)
  })

  test('shows names beside ids in its activity', async () => {
    const html = await (await open().get('/organisations/red-team')).text()
    for (const words of ['Grace Hopper', 'token nightly', '192.0.2.7', 'night run', 'job:7'])
      expect(html).toContain(words)
    expect(html).not.toContain('acc_gone')
  })

  test('offers a viewer no changes', async () => {
    const state = peopleFixture()
    const [organisation] = state.organisations
    if (organisation !== undefined) organisation.role = 'viewer'
    const html = await (await open(state).get('/organisations/red-team', BOB)).text()
    for (const words of ['Set the role', 'Add a member', 'Invited', 'Create a project', 'Activity'])
      expect(html).not.toContain(words)
    expect(html).toContain('Leave')
  })
})
