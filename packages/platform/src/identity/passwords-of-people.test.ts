import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { closeHouses, openHouse, PASSWORD } from './testing/house.ts'

const NEW_PASSWORD = 'staple battery horse'

afterAll(closeHouses)

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

describe('sessions', () => {
  it('are seen and ended by their person alone, and never by a token', async () => {
    const { call, person, signIn } = await openHouse({ allowSignup: true })
    const ada = await person('ada@red.test')
    const eve = await person('eve@blue.test')
    const second = await signIn('ada@red.test')
    const { body } = await call('GET', '/v1/sessions', undefined, ada.headers)
    expect(body.sessions.map(({ current }: { current: boolean }) => current)).toEqual([false, true])
    const path = `/v1/sessions/${body.sessions[0].id}`
    expect((await call('DELETE', path, undefined, eve.headers)).status).toBe(404)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, ada.headers)
    expect((await call('DELETE', path, undefined, bearer(token.body.secret))).status).toBe(403)
    expect((await call('GET', '/v1/sessions', undefined, bearer(token.body.secret))).status).toBe(403)
    // A token is no session, though both are kept in one table.
    expect((await call('DELETE', `/v1/sessions/${token.body.id}`, undefined, ada.headers)).status).toBe(404)
    expect((await call('DELETE', path, undefined, ada.headers)).status).toBe(204)
    expect((await call('DELETE', path, undefined, ada.headers)).status).toBe(404)
    expect((await call('GET', '/v1/me', undefined, bearer(second.body.secret))).status).toBe(401)
    expect((await call('GET', '/v1/me', undefined, ada.headers)).status).toBe(200)
  })
})

describe('changing a password', () => {
  it('asks for the one before, ends the other sessions, and is in the audit', async () => {
    const { call, person, signIn, identity } = await openHouse({ allowSignup: true })
    const ada = await person('ada@red.test')
    const other = await signIn('ada@red.test')
    const change = (currentPassword: string, headers = ada.headers) =>
      call('POST', '/v1/me/password', { currentPassword, newPassword: NEW_PASSWORD }, headers)
    const wrong = await change('not the password')
    expect(wrong).toMatchObject({ status: 422, body: { issues: [{ path: 'currentPassword' }] } })
    expect((await signIn('ada@red.test')).status).toBe(201)
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

  it('is limited, so that a session that was left open does not give the password away', async () => {
    const { call, person } = await openHouse({ allowSignup: true })
    const { headers } = await person('ada@red.test')
    const body = { currentPassword: 'a guess or so', newPassword: NEW_PASSWORD }
    const tries = await Promise.all(Array.from({ length: 13 }, () => call('POST', '/v1/me/password', body, headers)))
    expect(tries.filter(({ status }) => status === 422)).toHaveLength(10)
    expect(tries.filter(({ status }) => status === 429)).toHaveLength(3)
  })

  it('is refused to tokens, and to the local owner, who has none', async () => {
    const { call, person } = await openHouse({ allowSignup: true })
    const ada = await person('ada@red.test')
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, ada.headers)
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
    expect((await call('POST', '/v1/me/password', body, bearer(token.body.secret))).status).toBe(403)
    const local = await openHouse({ mode: 'local' })
    expect((await local.call('POST', '/v1/me/password', body)).status).toBe(422)
  })
})

describe('a password reset', () => {
  async function house() {
    const opened = await openHouse({ allowSignup: true })
    const operator = await opened.person('operator@x.test')
    const ada = await opened.person('ada@red.test')
    const make = (email: string, headers = operator.headers) =>
      opened.call('POST', '/v1/accounts/password-resets', { email }, headers)
    const redeem = (secret: string, newPassword = NEW_PASSWORD) =>
      opened.call('POST', '/v1/accounts/password-resets/redeem', { secret, newPassword })
    return { ...opened, operator, ada, make, redeem }
  }

  it('is made by an operator, for an account that there is', async () => {
    const { make, ada, call, operator } = await house()
    expect((await make('ada@red.test', ada.headers)).status).toBe(403)
    expect((await make('ada@red.test', {} as typeof ada.headers)).status).toBe(401)
    expect((await make('nobody@red.test')).status).toBe(404)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, operator.headers)
    expect((await make('ada@red.test', bearer(token.body.secret))).status).toBe(403)
    const made = await make(' ADA@red.test')
    expect(made).toMatchObject({ status: 201, body: { account: { id: ada.id } } })
    expect(made.headers.get('cache-control')).toBe('no-store')
  })

  it('opens the one account once, ends its sessions, keeps its tokens, and touches nobody else', async () => {
    const { make, redeem, ada, call, signIn, person, identity, operator } = await house()
    await person('eve@blue.test')
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['jobs:read'] }, ada.headers)
    const { body } = await make('ada@red.test')
    // It speaks for nobody, and until it is used the old password holds.
    expect((await call('GET', '/v1/me', undefined, bearer(body.secret))).status).toBe(401)
    expect((await signIn('ada@red.test')).status).toBe(201)
    expect((await redeem(body.secret, 'short')).status).toBe(400)
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

  it('is used once, also when it is used by several at the same moment', async () => {
    const { make, redeem } = await house()
    const { body } = await make('ada@red.test')
    const tries = await Promise.all(
      Array.from({ length: 4 }, (_, index) => redeem(body.secret, `password ${index} of many`)),
    )
    expect(tries.map(({ status }) => status).sort()).toEqual([204, 401, 401, 401])
  })

  it('is of no use when it is too old, was replaced, or its account was disabled or changed its password', async () => {
    const { make, redeem, identity, ada, call } = await house()
    const { db } = identity.database
    const old = await make('ada@red.test')
    await db.updateTable('password_resets').set({ expires_at: sql<Date>`now() - interval '1 second'` }).execute()
    expect((await redeem(old.body.secret)).status).toBe(401)

    const replaced = await make('ada@red.test')
    const next = await make('ada@red.test')
    expect((await redeem(replaced.body.secret)).status).toBe(401)
    await db.updateTable('accounts').set({ disabled_at: sql<Date>`now()` }).where('id', '=', ada.id).execute()
    expect((await redeem(next.body.secret)).status).toBe(401)
    expect((await make('ada@red.test')).status).toBe(404)
    await db.updateTable('accounts').set({ disabled_at: null }).where('id', '=', ada.id).execute()

    const changed = { currentPassword: PASSWORD, newPassword: 'chosen in the meantime' }
    expect((await call('POST', '/v1/me/password', changed, ada.headers)).status).toBe(204)
    expect((await redeem(next.body.secret)).status).toBe(401)
    for (const secret of ['', 'ty_nonsense', `${next.body.secret}x`])
      expect([400, 401]).toContain((await redeem(secret)).status)
  })

  it('lets in who has tried too often, and is itself limited', async () => {
    const { make, redeem, signIn } = await house()
    for (let index = 0; index < 11; index += 1) await signIn('ada@red.test', 'I do not remember')
    expect((await signIn('ada@red.test')).status).toBe(429)
    const { body } = await make('ada@red.test')
    expect((await redeem(body.secret)).status).toBe(204)
    expect((await signIn('ada@red.test', NEW_PASSWORD)).status).toBe(201)
    const tries = await Promise.all(Array.from({ length: 35 }, () => redeem('ty_nonsense')))
    expect(tries.filter(({ status }) => status === 429).length).toBeGreaterThan(3)
  })
})
