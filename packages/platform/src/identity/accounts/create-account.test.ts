import { afterAll, describe, expect, it } from 'vitest'
import { closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

describe('signing up', () => {
  it('is open to the first person only, who becomes the operator and an owner of the existing data', async () => {
    const { call, signUp, person } = await openIdentityApi()
    const ada = await person('ada@red.test')
    const me = await call('GET', '/v1/me', undefined, ada.headers)
    expect(me.body).toMatchObject({
      account: { id: ada.id, email: 'ada@red.test', operator: true },
      credentials: 'session',
      organisations: [{ slug: 'local', role: 'owner' }],
      projects: [{ name: 'local/default', role: 'owner' }],
      defaultProject: 'local/default',
    })
    expect((await signUp('bob@blue.test')).status).toBe(403)
    // The operator creates accounts for others.
    const created = await call('POST', '/v1/accounts', { email: 'bob@blue.test', password: PASSWORD }, ada.headers)
    expect(created).toMatchObject({ status: 201, body: { operator: false } })
  })

  it('creates one operator when several people sign up first at the same time', async () => {
    const { signUp } = await openIdentityApi({ allowSignup: true })
    const created = await Promise.all(['a@x.test', 'b@x.test', 'c@x.test'].map(signUp))
    expect(created.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(created.filter(({ body }) => body.operator)).toHaveLength(1)
  })

  it('refuses an email that has an account, ignoring case, and a short password', async () => {
    const { call, signUp } = await openIdentityApi({ allowSignup: true })
    expect((await signUp('ada@red.test')).status).toBe(201)
    expect((await signUp('ADA@red.test')).status).toBe(409)
    expect((await call('POST', '/v1/accounts', { email: 'x@y.test', password: 'short' })).status).toBe(400)
  })

  it('with AUTH=local refuses a page whose name was rebound to this machine', async () => {
    const { call } = await openIdentityApi({ mode: 'local' })
    const body = { email: 'evil@x.test', password: PASSWORD }
    expect((await call('POST', '/v1/accounts', body, { host: 'evil.test' })).status).toBe(401)
    expect((await call('POST', '/v1/accounts', body, { origin: 'http://evil.test' })).status).toBe(403)
    expect((await call('POST', '/v1/accounts', body)).status).toBe(201)
  })
})
