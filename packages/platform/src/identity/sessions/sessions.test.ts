import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

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
