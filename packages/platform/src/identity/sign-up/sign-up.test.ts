import { afterAll, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

describe('signing up', () => {
  it('is open to the first person only, who becomes the operator and an owner of the existing data', async () => {
    const { call, signUp, person, identity } = await openIdentityApi()
    expect((await call('GET', '/v1/accounts/sign-up')).body).toEqual({ signUp: 'setup', auth: 'required' })
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
    // The secret has no second use, and closed means closed for an operator, too.
    const body = { email: 'bob@blue.test', password: PASSWORD }
    expect((await call('POST', '/v1/accounts', body, ada.headers)).status).toBe(403)
    expect(await identity.database.db.selectFrom('setup').selectAll().execute()).toEqual([])
    expect((await call('GET', '/v1/accounts/sign-up')).body).toEqual({ signUp: 'closed', auth: 'required' })
  })

  it('needs the set-up secret for the first account, also where everyone can sign up', async () => {
    for (const allowSignup of [false, true]) {
      const { call, setupSecret, signIn } = await openIdentityApi({ allowSignup })
      const body = { email: 'eve@x.test', password: PASSWORD }
      const other = `${setupSecret.slice(0, -1)}${setupSecret.endsWith('0') ? '1' : '0'}`
      for (const wrong of [undefined, '', 'ty_nonsense', other]) {
        const refused = await call('POST', '/v1/accounts', { ...body, setupSecret: wrong })
        expect(refused).toMatchObject({ status: 403, body: { issues: [{ path: 'setupSecret' }] } })
        expect(refused.body.detail).toContain('"setup-secret" of its data folder')
      }
      expect((await signIn('eve@x.test')).status).toBe(401)
      expect((await call('POST', '/v1/accounts', { ...body, setupSecret })).status).toBe(202)
      expect((await signIn('eve@x.test')).body).toMatchObject({ account: { operator: true } })
    }
  })

  it('creates one operator when several people sign up first at the same time', async () => {
    const { signUp, identity } = await openIdentityApi({ allowSignup: true })
    const created = await Promise.all(['a@x.test', 'b@x.test', 'c@x.test'].map((email) => signUp(email)))
    expect(created.map(({ status }) => status)).toEqual([202, 202, 202])
    const accounts = await identity.database.db
      .selectFrom('accounts')
      .selectAll()
      .where('id', '!=', 'acc_local')
      .execute()
    expect(accounts.map(({ operator }) => operator).sort()).toEqual([false, false, true])
  })

  it('gives the same answer to an email that has an account, ignoring case, and changes nothing', async () => {
    const { signUp, signIn, person, identity } = await openIdentityApi({ allowSignup: true })
    await person('ada@red.test')
    const rows = async () => await identity.database.db.selectFrom('accounts').selectAll().orderBy('id').execute()
    const before = await rows()
    const taken = await signUp('ADA@red.test', 'taken by an intruder')
    expect(await rows()).toEqual(before)
    const free = await signUp('bob@red.test', 'taken by an intruder')
    const answerOf = ({ status, headers, body }: typeof taken) => [status, [...headers.keys()], body]
    expect(answerOf(taken)).toEqual(answerOf(free))
    expect((await signIn('ada@red.test')).status).toBe(201)
    expect((await signIn('ada@red.test', 'taken by an intruder')).status).toBe(401)
  })

  it('refuses passwords that are easy to guess', async () => {
    const { signUp, signIn } = await openIdentityApi({ allowSignup: true })
    for (const password of ['short', '1234567890', ' '.repeat(10), 'ada@red.test', 'adaadaadaada']) {
      const refused = await signUp('ada@red.test', password)
      expect(refused).toMatchObject({ status: 400, body: { issues: [{ path: 'password' }] } })
    }
    expect((await signIn('ada@red.test', '1234567890')).status).toBe(401)
  })

  it('is closed with AUTH=local, which belongs to its owner', async () => {
    const { signUp, call } = await openIdentityApi({ mode: 'local', allowSignup: true })
    expect((await signUp('ada@red.test')).status).toBe(403)
    expect((await call('GET', '/v1/accounts/sign-up')).body).toEqual({ signUp: 'closed', auth: 'local' })
  })
})

describe('an invitation', () => {
  it('of an operator creates an account whose owner chooses the password', async () => {
    const { call, person, signIn, identity } = await openIdentityApi()
    const ada = await person('ada@red.test')
    const invite = (headers: Record<string, string>, email = 'bob@blue.test') =>
      call('POST', '/v1/accounts/invitations', { email, displayName: 'Bob' }, headers)
    expect((await invite({})).status).toBe(401)
    const token = await call('POST', '/v1/tokens', { name: 'ci', scopes: ['admin:*'] }, ada.headers)
    expect((await invite(bearer(token.body.secret))).status).toBe(403)
    const invited = await invite(ada.headers)
    expect(invited).toMatchObject({ status: 201, body: { account: { displayName: 'Bob', operator: false } } })
    expect((await invite(ada.headers, 'BOB@blue.test')).status).toBe(409)
    const redeem = (newPassword: string) =>
      call('POST', '/v1/accounts/password-resets/redeem', { secret: invited.body.secret, newPassword })
    expect((await redeem('bob@blue.test')).body).toMatchObject({ issues: [{ path: 'newPassword' }] })
    expect((await redeem(PASSWORD)).status).toBe(204)
    const bob = await signIn('bob@blue.test')
    expect((await invite(bearer(bob.body.secret), 'eve@x.test')).status).toBe(403)
    const audit = await identity.listAudit({ subject: invited.body.account.id })
    expect(audit.map(({ actor, action }) => [actor, action])).toContainEqual([ada.id, 'account.create'])
  })
})
