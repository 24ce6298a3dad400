import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

const NEW_PASSWORD = 'staple battery horse'

describe('changing a password', () => {
  it('requires the current one, ends the other sessions, and is recorded in the audit', async () => {
    const { call, person, signIn, identity } = await openIdentityApi({ allowSignup: true })
    const ada = await person('ada@red.test')
    const other = await signIn('ada@red.test')
    const change = (currentPassword: string, headers = ada.headers) =>
      call('POST', '/v1/me/password', { currentPassword, newPassword: NEW_PASSWORD }, headers)
    const wrong = await change('not the password')
    expect(wrong).toMatchObject({ status: 422, body: { issues: [{ path: 'currentPassword' }] } })
    expect((await signIn('ada@red.test')).status).toBe(201)
    for (const newPassword of ['1234567890', 'ada@red.test', ' '.repeat(12)]) {
      const weak = await call('POST', '/v1/me/password', { currentPassword: PASSWORD, newPassword }, ada.headers)
      expect(weak).toMatchObject({ status: 400, body: { issues: [{ path: 'newPassword' }] } })
    }
    expect((await change(PASSWORD)).status).toBe(204)
    expect((await signIn('ada@red.test')).status).toBe(401)
    expect((await signIn('ada@red.test', NEW_PASSWORD)).status).toBe(201)
    expect((await call('GET', '/v1/me', undefined, bearer(other.body.secret))).status).toBe(401)
    expect((await call('GET', '/v1/me', undefined, ada.headers)).status).toBe(200)
    const audit = await identity.listAudit({ subject: ada.id })
    expect(audit.filter(({ action }) => action === 'password.change')).toMatchObject([
      { actor: ada.id, data: { sessionsEnded: 2 } },
    ])
  })

  it('is limited, so that an unattended session cannot be used to guess the password', async () => {
    const { call, person, signIn } = await openIdentityApi({ allowSignup: true })
    const { headers } = await person('ada@red.test')
    const other = await signIn('ada@red.test')
    const body = { currentPassword: 'a guess or so', newPassword: NEW_PASSWORD }
    const attempts = await Promise.all(Array.from({ length: 13 }, () => call('POST', '/v1/me/password', body, headers)))
    expect(attempts.filter(({ status }) => status === 422)).toHaveLength(10)
    expect(attempts.filter(({ status }) => status === 429)).toHaveLength(3)
    // The owner changes it in another session.
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
    expect((await call('POST', '/v1/me/password', change, bearer(other.body.secret))).status).toBe(204)
  })

  it('is refused for tokens, and for the local owner, who does not have a password', async () => {
    const { call, person } = await openIdentityApi({ allowSignup: true })
    const ada = await person('ada@red.test')
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, ada.headers)
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
    expect((await call('POST', '/v1/me/password', body, bearer(token.body.secret))).status).toBe(403)
    const local = await openIdentityApi({ mode: 'local' })
    const owner = bearer(await local.identity.createOwnerToken('test'))
    expect((await local.call('POST', '/v1/me/password', body, owner)).status).toBe(422)
  })
})

describe('a password reset', () => {
  async function openWithReset() {
    const api = await openIdentityApi({ allowSignup: true })
    const operator = await api.person('operator@x.test')
    const ada = await api.person('ada@red.test')
    const create = (email: string, headers = operator.headers) =>
      api.call('POST', '/v1/accounts/password-resets', { email }, headers)
    const redeem = (secret: string, newPassword = NEW_PASSWORD) =>
      api.call('POST', '/v1/accounts/password-resets/redeem', { secret, newPassword })
    return { ...api, operator, ada, create, redeem }
  }

  it('is created by an operator, for an account that exists', async () => {
    const { create, ada, call, operator } = await openWithReset()
    expect((await create('ada@red.test', ada.headers)).status).toBe(403)
    expect((await create('ada@red.test', {} as typeof ada.headers)).status).toBe(401)
    expect((await create('unknown@red.test')).status).toBe(404)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, operator.headers)
    expect((await create('ada@red.test', bearer(token.body.secret))).status).toBe(403)
    const created = await create(' ADA@red.test')
    expect(created).toMatchObject({ status: 201, body: { account: { id: ada.id } } })
    expect(created.headers.get('cache-control')).toBe('no-store')
  })

  it('sets the password of one account once, ends its sessions, keeps its tokens, and affects no other account', async () => {
    const { create, redeem, ada, call, signIn, person, identity, operator } = await openWithReset()
    await person('eve@blue.test')
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['jobs:read'] }, ada.headers)
    const { body } = await create('ada@red.test')
    // Its secret authenticates no request, and the old password is valid until it is used.
    expect((await call('GET', '/v1/me', undefined, bearer(body.secret))).status).toBe(401)
    expect((await signIn('ada@red.test')).status).toBe(201)
    for (const weak of ['short', '1234567890', 'ADA@red.test'])
      expect((await redeem(body.secret, weak)).status).toBe(400)
    expect((await redeem(body.secret)).status).toBe(204)
    expect((await signIn('ada@red.test', NEW_PASSWORD)).status).toBe(201)
    expect((await signIn('ada@red.test')).status).toBe(401)
    expect((await signIn('eve@blue.test', NEW_PASSWORD)).status).toBe(401)
    expect((await signIn('eve@blue.test')).status).toBe(201)
    expect((await call('GET', '/v1/me', undefined, ada.headers)).status).toBe(401)
    expect((await call('GET', '/v1/me', undefined, operator.headers)).status).toBe(200)
    expect((await call('GET', '/v1/me', undefined, bearer(token.body.secret))).status).toBe(200)
    expect((await redeem(body.secret, 'another password')).status).toBe(401)
    expect((await signIn('ada@red.test', NEW_PASSWORD)).status).toBe(201)
    const audit = (await identity.listAudit({ subject: ada.id })).map(({ action, actor }) => [action, actor])
    expect(audit).toContainEqual(['password.reset.create', operator.id])
    expect(audit).toContainEqual(['password.reset', ada.id])
    expect(JSON.stringify(await identity.listAudit())).not.toContain(body.secret)
  })

  it('can be used once, also by concurrent requests', async () => {
    const { create, redeem } = await openWithReset()
    const { body } = await create('ada@red.test')
    const attempts = await Promise.all(
      Array.from({ length: 4 }, (_, index) => redeem(body.secret, `password ${index} of many`)),
    )
    expect(attempts.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401])
  })

  it('is refused when it has expired or was replaced, or its account was disabled or changed its password', async () => {
    const { create, redeem, identity, ada, call } = await openWithReset()
    const { db } = identity.database
    const old = await create('ada@red.test')
    await db.updateTable('password_resets').set({ expires_at: sql<Date>`now() - interval '1 second'` }).execute()
    expect((await redeem(old.body.secret)).status).toBe(401)

    const replaced = await create('ada@red.test')
    const next = await create('ada@red.test')
    expect((await redeem(replaced.body.secret)).status).toBe(401)
    await db.updateTable('accounts').set({ disabled_at: sql<Date>`now()` }).where('id', '=', ada.id).execute()
    expect((await redeem(next.body.secret)).status).toBe(401)
    expect((await create('ada@red.test')).status).toBe(404)
    await db.updateTable('accounts').set({ disabled_at: null }).where('id', '=', ada.id).execute()

    const changed = { currentPassword: PASSWORD, newPassword: 'chosen in the meantime' }
    expect((await call('POST', '/v1/me/password', changed, ada.headers)).status).toBe(204)
    expect((await redeem(next.body.secret)).status).toBe(401)
    for (const secret of ['', 'ty_nonsense', `${next.body.secret}x`])
      expect([400, 401]).toContain((await redeem(secret)).status)
  })

  it('resets the attempts to sign in, and is limited itself', async () => {
    const { create, redeem, signIn } = await openWithReset()
    for (let index = 0; index < 11; index += 1) await signIn('ada@red.test', 'I do not remember')
    expect((await signIn('ada@red.test')).status).toBe(429)
    const { body } = await create('ada@red.test')
    expect((await redeem(body.secret)).status).toBe(204)
    expect((await signIn('ada@red.test', NEW_PASSWORD)).status).toBe(201)
    const attempts = await Promise.all(Array.from({ length: 35 }, () => redeem('ty_nonsense')))
    expect(attempts.filter(({ status }) => status === 429).length).toBeGreaterThan(3)
  })
})
