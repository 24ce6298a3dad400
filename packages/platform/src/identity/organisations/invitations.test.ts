import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

const MEMBERS = '/v1/organisations/red/members'

/** Ada owns "red". Bob and Eve have accounts of their own, and share no organisation with her. */
async function openRed() {
  const api = await openIdentityApi({ allowSignup: true })
  const operator = await api.person('operator@x.test')
  const ada = await api.person('ada@red.test')
  const bob = await api.person('bob@blue.test')
  const eve = await api.person('eve@blue.test')
  await api.call('POST', '/v1/organisations', { slug: 'red' }, ada.headers)
  const invite = (email: string, role = 'member', { headers } = ada) =>
    api.call('POST', MEMBERS, { email, role }, headers)
  const join = (secret: string, { headers } = bob, slug = 'red') =>
    api.call('POST', `/v1/organisations/${slug}/invitations/redeem`, { secret }, headers)
  const withdraw = (id: string, { headers } = ada) =>
    api.call('DELETE', `/v1/organisations/red/invitations/${id}`, undefined, headers)
  const list = async ({ headers } = ada) => (await api.call('GET', MEMBERS, undefined, headers)).body
  return { ...api, operator, ada, bob, eve, invite, join, withdraw, list }
}

describe('whether an email has an account', () => {
  it('is not shown by an invitation: status, fields, headers, list and audit are equal', async () => {
    const { invite, list, identity, ada } = await openRed()
    const known = await invite('bob@blue.test')
    const unknown = await invite('none@blue.test')
    expect([known.status, known.headers.get('cache-control')]).toEqual([202, 'no-store'])
    const shapeOf = ({ status, headers, body }: typeof known) => [status, [...headers.keys()], Object.keys(body)]
    expect(shapeOf(known)).toEqual(shapeOf(unknown))
    expect(known.body).toEqual({
      id: expect.stringMatching(/^inv_/),
      email: 'bob@blue.test',
      role: 'member',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      secret: expect.stringMatching(/^ty_[0-9a-f]{56}$/),
      emailed: false,
    })
    const { members, invitations } = await list()
    expect(members).toHaveLength(1)
    expect(invitations.map(({ email }: { email: string }) => email)).toEqual(['bob@blue.test', 'none@blue.test'])
    expect(JSON.stringify(invitations)).not.toContain('ty_')
    const audit = (await identity.listAudit()).filter(({ action }) => action === 'member.invite')
    expect(audit.map(({ actor, subject, data }) => [actor, subject, data]).toReversed()).toEqual([
      [ada.id, known.body.id, { role: 'member' }],
      [ada.id, unknown.body.id, { role: 'member' }],
    ])
    const { db } = identity.database
    expect(JSON.stringify(await db.selectFrom('member_invitations').selectAll().execute())).not.toContain(
      known.body.secret,
    )
  })

  it('is not shown by other answers either: disabled, with another case, and to an admin', async () => {
    const { invite, join, bob, identity, eve } = await openRed()
    await join((await invite('bob@blue.test', 'admin')).body.secret)
    await identity.database.db
      .updateTable('accounts')
      .set({ disabled_at: new Date() })
      .where('id', '=', eve.id)
      .execute()
    for (const email of ['EVE@blue.test', 'none@blue.test', 'OPERATOR@x.test'])
      expect([email, (await invite(email, 'viewer', bob)).status]).toEqual([email, 202])
  })

  it('is known to a person who sees the account in a member list, whom they add at once; a limited token sees less', async () => {
    const { call, invite, join, ada, bob, list } = await openRed()
    await join((await invite('bob@blue.test')).body.secret)
    await call('POST', '/v1/organisations', { slug: 'green' }, ada.headers)
    const limited = await call(
      'POST',
      '/v1/tokens',
      { name: 'ci', scopes: ['admin:green'], organisation: 'green' },
      ada.headers,
    )
    const add = (headers: Record<string, string>, role = 'viewer') =>
      call('POST', '/v1/organisations/green/members', { email: 'BOB@blue.test', role }, headers)
    expect((await add(bearer(limited.body.secret))).status).toBe(202)
    expect(await add(ada.headers)).toMatchObject({ status: 200, body: { accountId: bob.id, role: 'viewer' } })
    // The invitation that was pending is gone: it would change nothing, or the role.
    expect((await call('GET', '/v1/organisations/green/members', undefined, ada.headers)).body.invitations).toEqual([])
    expect((await list(bob)).invitations).toBeUndefined()
  })

  it('is known to an operator who is signed in, who adds the account at once', async () => {
    const { call, operator, bob } = await openRed()
    await call('POST', '/v1/organisations', { slug: 'ops' }, operator.headers)
    const add = (email: string, headers = operator.headers) =>
      call('POST', '/v1/organisations/ops/members', { email, role: 'member' }, headers)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, operator.headers)
    expect((await add('bob@blue.test', bearer(token.body.secret) as typeof operator.headers)).status).toBe(202)
    expect(await add('bob@blue.test')).toMatchObject({ status: 200, body: { accountId: bob.id } })
    expect((await add('none@blue.test')).status).toBe(202)
  })
})

describe('an invitation', () => {
  it('lets the person with exactly that email join, once', async () => {
    const { call, invite, join, bob, eve, identity, list } = await openRed()
    const { secret, id } = (await invite('BOB@blue.test', 'admin')).body
    const other = await join(secret, eve)
    expect(other.status).toBe(403)
    expect(other.body.detail).toContain('This invitation is for another email')
    expect(JSON.stringify(other.body).toLowerCase()).not.toContain('bob')
    expect((await join(secret, { ...bob, headers: {} as typeof bob.headers })).status).toBe(401)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, bob.headers)
    expect((await join(secret, { ...bob, headers: bearer(token.body.secret) })).status).toBe(403)
    const elsewhere = await join(secret, bob, 'green')
    const twice = await Promise.all([join(secret), join(secret)])
    expect(twice.map(({ status }) => status).toSorted()).toEqual([200, 404])
    const joined = twice.find(({ status }) => status === 200)
    expect(joined?.body).toMatchObject({ slug: 'red', role: 'admin' })
    const after = await join(secret)
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([404, after.body.detail])
    expect(await list()).toMatchObject({ members: [{}, { accountId: bob.id, role: 'admin' }], invitations: [] })
    const [row] = await identity.listAudit({ subject: bob.id })
    expect(row).toMatchObject({ actor: bob.id, action: 'member.join', data: { role: 'admin', invitation: id } })
  })

  it('lets a person join who signs up after they were invited', async () => {
    const { invite, join, person } = await openRed()
    const { secret } = (await invite('new@blue.test')).body
    expect((await join(secret, await person('new@blue.test'))).status).toBe(200)
  })

  it('that was replaced, was withdrawn or has expired is refused, all with one message', async () => {
    const { invite, join, withdraw, list, identity, eve } = await openRed()
    const replaced = (await invite('bob@blue.test', 'viewer')).body
    const second = (await invite('Bob@blue.test', 'admin')).body
    expect((await list()).invitations).toMatchObject([{ id: second.id, role: 'admin' }])
    const refused = [await join(replaced.secret)]
    expect((await withdraw(second.id, eve)).status).toBe(404)
    expect((await withdraw(second.id)).status).toBe(204)
    expect((await withdraw(second.id)).status).toBe(404)
    refused.push(await join(second.secret))
    const third = (await invite('bob@blue.test')).body
    expect(Date.parse(third.expiresAt) - Date.parse(third.createdAt)).toBe(7 * 86_400_000)
    await identity.database.db.updateTable('member_invitations').set({ expires_at: sql<Date>`now()` }).execute()
    expect((await list()).invitations).toEqual([])
    refused.push(await join(third.secret), await join('ty_none'))
    for (const { status, body } of refused)
      expect([status, body.detail]).toEqual([
        404,
        'The invitation was used, replaced or withdrawn, or has expired: ask for a new one',
      ])
    const audit = (await identity.listAudit()).map(({ action, subject }) => [action, subject])
    expect(audit).toContainEqual(['member.withdraw', second.id])
  })

  it('cannot be created, seen or withdrawn by members who cannot manage members, nor grant more than its creator can', async () => {
    const { invite, join, withdraw, list, bob } = await openRed()
    const { id } = (await invite('new@blue.test')).body
    for (const role of ['viewer', 'member']) {
      const { body, status } = await invite('bob@blue.test', role)
      if (status === 202) await join(body.secret)
      expect((await invite('none@blue.test', 'viewer', bob)).status).toBe(403)
      expect((await withdraw(id, bob)).status).toBe(403)
      expect(await list(bob)).not.toHaveProperty('invitations')
    }
    await invite('bob@blue.test', 'admin')
    expect((await invite('none@blue.test', 'owner', bob)).status).toBe(403)
    expect((await list(bob)).invitations).toHaveLength(1)
  })

  it('ends with the right of the person or token that created it', async () => {
    const { call, invite, join, person, ada, bob, list } = await openRed()
    await join((await invite('bob@blue.test', 'admin')).body.secret)
    const mel = await person('mel@blue.test')
    const byBob = async () => (await invite('mel@blue.test', 'member', bob)).body.secret
    const demoted = await byBob()
    await invite('bob@blue.test', 'member')
    expect((await join(demoted, mel)).status).toBe(404)
    await invite('bob@blue.test', 'admin')
    // A refusal uses nothing up.
    await byBob()
    await call('DELETE', `${MEMBERS}/${bob.id}`, undefined, ada.headers)
    expect((await list()).invitations).toEqual([])
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:red'] }, ada.headers)
    const byToken = await invite('mel@blue.test', 'member', { ...ada, headers: bearer(token.body.secret) })
    await call('DELETE', `/v1/tokens/${token.body.id}`, undefined, ada.headers)
    expect((await join(byToken.body.secret, mel)).status).toBe(404)
    expect((await join((await invite('mel@blue.test')).body.secret, mel)).status).toBe(200)
  })
})
