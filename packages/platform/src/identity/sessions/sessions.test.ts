import { scryptSync } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { IdentityStore } from '../db/identity-store.ts'
import { bearer, closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'
import { createSession } from './create-session.ts'

afterAll(closeTestIdentities)

/** Accounts whose password is quick to verify: hashes contain their parameters. */
async function insertAccounts({ database }: IdentityStore, emails: readonly string[]): Promise<void> {
  const salt = Buffer.from('salt')
  const key = scryptSync(PASSWORD, salt, 16, { N: 1024, r: 4, p: 1 }).toString('base64url')
  const hash = `scrypt$1024$4$1$${salt.toString('base64url')}$${key}`
  const rest = { display_name: 'Someone', password_hash: hash, operator: false, disabled_at: null }
  await database.db
    .insertInto('accounts')
    .values(emails.map((email) => ({ id: `acc_${email}`, email, ...rest })))
    .execute()
}

describe('signing in', () => {
  let api: Awaited<ReturnType<typeof openIdentityApi>>
  beforeEach(async () => {
    api = await openIdentityApi({ allowSignup: true })
  })

  it('creates a session that can be ended, and answers a wrong password and an unknown email alike', async () => {
    const { call, signUp, signIn, identity } = api
    await signUp('ada@red.test')
    const wrong = await signIn('ada@red.test', 'not the password')
    const unknown = await signIn('unknown@red.test', 'not the password')
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    const withoutTrace = ({ body: { traceId: _, ...rest } }: typeof wrong) => rest
    expect(withoutTrace(wrong)).toEqual(withoutTrace(unknown))

    const { body } = await signIn(' ADA@red.test')
    const authorization = `Bearer ${body.secret}`
    expect((await call('GET', '/v1/me', undefined, { authorization })).status).toBe(200)
    const cookie = `other=1; trainyard_session=${body.secret}`
    expect((await call('GET', '/v1/me', undefined, { cookie })).status).toBe(200)
    // Browsers send the cookie with requests of any page.
    expect((await call('GET', '/v1/me', undefined, { cookie, origin: 'http://evil.test' })).status).toBe(403)
    expect((await call('GET', '/v1/tokens', undefined, { authorization })).body).toEqual({ tokens: [] })
    expect((await call('DELETE', '/v1/sessions/current', undefined, { authorization })).status).toBe(204)
    expect((await call('GET', '/v1/me', undefined, { authorization })).status).toBe(401)
    const actions = (await identity.listAudit()).map(({ action }) => action)
    expect(actions).toEqual(['session.end', 'session.create', 'account.create'])
  })

  it('limits the attempts of one address at one account, also concurrent ones, and no others', async () => {
    const { signUp, signIn } = api
    await signUp('ada@red.test')
    await signUp('bob@blue.test')
    const attempts = await Promise.all(Array.from({ length: 14 }, () => signIn('ada@red.test', 'a wrong password')))
    expect(attempts.filter(({ status }) => status === 401)).toHaveLength(10)
    const limited = attempts.filter(({ status }) => status === 429)
    expect(limited).toHaveLength(4)
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(800)
    expect((await signIn('ada@red.test')).status).toBe(429)
    expect((await signIn('bob@blue.test')).status).toBe(201)
  })

  it('is not kept from the owner of an account by wrong passwords from many addresses', async () => {
    const { identity } = api
    await insertAccounts(identity, ['ada@red.test'])
    const signIn = (address: string, password: string) =>
      createSession(identity, { email: 'ada@red.test', password }, { sessionDays: 1, address })
    for (let index = 0; index < 60; index += 1)
      await expect(signIn(`203.0.113.${index}`, 'a wrong password')).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(await signIn('198.51.100.7', PASSWORD)).toMatchObject({ account: { email: 'ada@red.test' } })
  })

  it('counts the addresses of one IPv6 network together, and all accounts of a network', async () => {
    const { identity } = api
    const many = Array.from({ length: 50 }, (_, index) => `guessed-${index}@x.test`)
    await insertAccounts(identity, ['ada@red.test', ...many])
    const codeOf = (address: string, email: string) =>
      createSession(identity, { email, password: 'a wrong password' }, { sessionDays: 1, address }).then(
        () => 'signed in',
        ({ code }: { code: string }) => code,
      )
    const one = Array.from({ length: 12 }, (_, index) => codeOf(`2001:db8:1:2::${index}`, 'ada@red.test'))
    expect((await Promise.all(one)).filter((code) => code === 'rate_limited')).toHaveLength(2)
    expect(await codeOf('2001:db8:1:3::1', 'ada@red.test')).toBe('unauthenticated')
    const all = await Promise.all([...many, ...many].map((email) => codeOf('203.0.113.9', email)))
    expect(new Set(all)).toEqual(new Set(['unauthenticated']))
    expect(await codeOf('203.0.113.9', 'ada@red.test')).toBe('rate_limited')
  })

  it('does not count those who know their password against their network', async () => {
    const { identity } = api
    await insertAccounts(identity, ['ada@red.test'])
    const body = { email: 'ada@red.test', password: PASSWORD }
    for (let index = 0; index < 110; index += 1)
      expect(await createSession(identity, body, { sessionDays: 1, address: '203.0.113.9' })).toHaveProperty('secret')
  })

  it('recognises a device of the account until its password changes, whatever others tried at its address', async () => {
    const { identity, signIn, call } = api
    await insertAccounts(identity, ['ada@red.test', 'eve@blue.test'])
    const enter = (email: string, device: string | undefined, password = PASSWORD) =>
      call('POST', '/v1/sessions', { email, password, device })
    const ada = (await signIn('ada@red.test')).body
    const device = ada.device.secret
    const others = (await signIn('eve@blue.test')).body.device.secret
    // A device authenticates no request.
    expect((await call('GET', '/v1/me', undefined, bearer(device))).status).toBe(401)
    for (let index = 0; index < 11; index += 1) await signIn('ada@red.test', 'a wrong password')
    expect((await signIn('ada@red.test')).status).toBe(429)
    for (const wrong of [others, 'nonsense', `${device}x`])
      expect((await enter('ada@red.test', wrong)).status).toBe(429)
    await call('DELETE', '/v1/sessions/current', undefined, bearer(ada.secret))
    expect((await enter('ada@red.test', device)).status).toBe(201)
    // It has a limit of its own.
    for (let index = 0; index < 10; index += 1)
      expect((await enter('ada@red.test', device, 'a wrong password')).status).toBe(401)
    expect((await enter('ada@red.test', device)).status).toBe(429)

    await sql`delete from ${sql.id(identity.schema, 'rate_limits')}`.execute(identity.database.db)
    const { secret } = (await signIn('ada@red.test')).body
    const change = { currentPassword: PASSWORD, newPassword: 'staple battery horse' }
    expect((await call('POST', '/v1/me/password', change, bearer(secret))).status).toBe(204)
    for (let index = 0; index < 11; index += 1) await signIn('ada@red.test', 'a wrong password')
    expect((await enter('ada@red.test', device, 'staple battery horse')).status).toBe(429)
  })
})

describe('sessions', () => {
  it('can be listed and ended by their own person only, and not with a token', async () => {
    const { call, person, signIn } = await openIdentityApi({ allowSignup: true })
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
    // A token is not a session, although both are in one table.
    expect((await call('DELETE', `/v1/sessions/${token.body.id}`, undefined, ada.headers)).status).toBe(404)
    expect((await call('DELETE', path, undefined, ada.headers)).status).toBe(204)
    expect((await call('DELETE', path, undefined, ada.headers)).status).toBe(404)
    expect((await call('GET', '/v1/me', undefined, bearer(second.body.secret))).status).toBe(401)
    expect((await call('GET', '/v1/me', undefined, ada.headers)).status).toBe(200)
  })
})
