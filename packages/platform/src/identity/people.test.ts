import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { closeHouses, openHouse, PASSWORD } from './testing/house.ts'

afterAll(closeHouses)

describe('signing up', () => {
  it('is open to the first person, who becomes the operator and owner of what is there, and to nobody else', async () => {
    const { call, signUp, person } = await openHouse()
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
    // The operator makes accounts for others.
    const made = await call('POST', '/v1/accounts', { email: 'bob@blue.test', password: PASSWORD }, ada.headers)
    expect(made).toMatchObject({ status: 201, body: { operator: false } })
  })

  it('makes one operator of two people who are the first at the same time', async () => {
    const { signUp } = await openHouse({ allowSignup: true })
    const made = await Promise.all(['a@x.test', 'b@x.test', 'c@x.test'].map(signUp))
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(made.filter(({ body }) => body.operator)).toHaveLength(1)
  })

  it('takes an email once, whatever its case, and no short password', async () => {
    const { call, signUp } = await openHouse({ allowSignup: true })
    expect((await signUp('ada@red.test')).status).toBe(201)
    expect((await signUp('ADA@red.test')).status).toBe(409)
    expect((await call('POST', '/v1/accounts', { email: 'x@y.test', password: 'short' })).status).toBe(400)
  })

  it('of a page that was rebound to this machine is refused without accounts', async () => {
    const { call } = await openHouse({ mode: 'local' })
    const body = { email: 'evil@x.test', password: PASSWORD }
    expect((await call('POST', '/v1/accounts', body, { host: 'evil.test' })).status).toBe(401)
    expect((await call('POST', '/v1/accounts', body, { origin: 'http://evil.test' })).status).toBe(403)
    expect((await call('POST', '/v1/accounts', body)).status).toBe(201)
  })
})

describe('signing in', () => {
  let house: Awaited<ReturnType<typeof openHouse>>
  beforeEach(async () => {
    house = await openHouse({ allowSignup: true })
  })

  it('gives a session that ends, and says the same of a wrong password and of nobody', async () => {
    const { call, signUp, signIn, identity } = house
    await signUp('ada@red.test')
    const wrong = await signIn('ada@red.test', 'not the password')
    const nobody = await signIn('nobody@red.test', 'not the password')
    expect([wrong.status, nobody.status]).toEqual([401, 401])
    const told = ({ body: { traceId: _, ...rest } }: typeof wrong) => rest
    expect(told(wrong)).toEqual(told(nobody))

    const { body } = await signIn(' ADA@red.test')
    const authorization = `Bearer ${body.secret}`
    expect((await call('GET', '/v1/me', undefined, { authorization })).status).toBe(200)
    const cookie = `other=1; trainyard_session=${body.secret}`
    expect((await call('GET', '/v1/me', undefined, { cookie })).status).toBe(200)
    // The cookie goes out with what any page asks for.
    expect((await call('GET', '/v1/me', undefined, { cookie, origin: 'http://evil.test' })).status).toBe(403)
    expect((await call('GET', '/v1/tokens', undefined, { authorization })).body).toEqual({ tokens: [] })
    expect((await call('DELETE', '/v1/sessions/current', undefined, { authorization })).status).toBe(204)
    expect((await call('GET', '/v1/me', undefined, { authorization })).status).toBe(401)
    const actions = (await identity.listAudit()).map(({ action }) => action)
    expect(actions).toEqual(['session.end', 'session.create', 'account.create'])
  })

  it('is limited for an address at an account, also when all tries come at once, and not for others', async () => {
    const { signUp, signIn } = house
    await signUp('ada@red.test')
    await signUp('bob@blue.test')
    const tries = await Promise.all(Array.from({ length: 14 }, () => signIn('ada@red.test', 'a wrong password')))
    expect(tries.filter(({ status }) => status === 401)).toHaveLength(10)
    const limited = tries.filter(({ status }) => status === 429)
    expect(limited).toHaveLength(4)
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(800)
    expect((await signIn('ada@red.test')).status).toBe(429)
    expect((await signIn('bob@blue.test')).status).toBe(201)
  })
})

describe('a team', () => {
  it('is made by a person, grows by email, keeps an owner, and is not there for others', async () => {
    const { call, person, identity } = await openHouse({ allowSignup: true })
    await person('operator@x.test')
    const ada = await person('ada@red.test')
    const bob = await person('bob@red.test')
    const eve = await person('eve@blue.test')
    expect((await call('POST', '/v1/organisations', { slug: 'red' }, ada.headers)).status).toBe(201)
    expect((await call('POST', '/v1/organisations', { slug: 'red' }, eve.headers)).status).toBe(409)
    const members = '/v1/organisations/red/members'
    expect((await call('GET', members, undefined, eve.headers)).status).toBe(404)
    expect((await call('POST', members, { email: 'nobody@x.test', role: 'member' }, ada.headers)).status).toBe(404)
    expect((await call('POST', members, { email: 'bob@red.test', role: 'admin' }, ada.headers)).status).toBe(200)
    // Admins make no owners, and unmake none.
    expect((await call('POST', members, { email: 'bob@red.test', role: 'owner' }, bob.headers)).status).toBe(403)
    expect((await call('POST', members, { email: 'ada@red.test', role: 'viewer' }, bob.headers)).status).toBe(403)
    expect((await call('DELETE', `${members}/${ada.id}`, undefined, bob.headers)).status).toBe(403)
    // The last owner stays.
    expect((await call('DELETE', `${members}/${ada.id}`, undefined, ada.headers)).status).toBe(409)
    expect((await call('POST', members, { email: 'ada@red.test', role: 'admin' }, ada.headers)).status).toBe(409)
    expect((await call('POST', members, { email: 'bob@red.test', role: 'owner' }, ada.headers)).status).toBe(200)
    // Two owners who remove each other at the same time leave one.
    const both = await Promise.all([
      call('DELETE', `${members}/${bob.id}`, undefined, ada.headers),
      call('DELETE', `${members}/${ada.id}`, undefined, bob.headers),
    ])
    expect(both.filter(({ status }) => status === 204)).toHaveLength(1)
    const audit = await identity.listAudit({ subject: bob.id })
    expect(audit.map(({ action }) => action)).toContain('member.set')
  })

  it('has tokens that lose what their account loses, and reach no further than they say', async () => {
    const { call, person } = await openHouse({ allowSignup: true })
    await person('operator@x.test')
    const ada = await person('ada@red.test')
    const bob = await person('bob@red.test')
    for (const slug of ['red', 'green']) await call('POST', '/v1/organisations', { slug }, ada.headers)
    await call('POST', '/v1/organisations/red/members', { email: 'bob@red.test', role: 'member' }, ada.headers)
    const give = (body: object, headers: Record<string, string>) =>
      call('POST', '/v1/tokens', { name: 'ci', scopes: ['jobs:write'], ...body }, headers)
    const wide = await give({ scopes: ['admin:*'] }, bob.headers)
    const bearer = ({ body }: typeof wide) => ({ authorization: `Bearer ${body.secret}` })
    expect((await call('GET', '/v1/organisations/red/projects', undefined, bearer(wide))).status).toBe(200)
    expect((await call('POST', '/v1/organisations/red/projects', { slug: 'p' }, bearer(wide))).status).toBe(403)
    await call('DELETE', `/v1/organisations/red/members/${bob.id}`, undefined, ada.headers)
    expect((await call('GET', '/v1/organisations/red/projects', undefined, bearer(wide))).status).toBe(404)

    const narrow = await give({ organisation: 'red', scopes: ['admin:*'] }, ada.headers)
    expect(narrow.body).toMatchObject({ organisation: 'red' })
    expect((await call('GET', '/v1/me', undefined, bearer(narrow))).body.projects).toEqual([
      { name: 'red/default', role: 'owner' },
    ])
    expect((await call('GET', '/v1/organisations/green/members', undefined, bearer(narrow))).status).toBe(404)
    expect((await give({ organisation: 'green' }, bearer(narrow))).status).toBe(404)
    expect((await give({ project: 'green/default' }, bearer(narrow))).status).toBe(404)
    const child = await give({}, bearer(narrow))
    expect(child.body).toMatchObject({ organisation: 'red' })
    expect((await call('DELETE', `/v1/tokens/${narrow.body.id}`, undefined, bob.headers)).status).toBe(404)
  })

  it('has an audit that its admins read by pages', async () => {
    const { call, person } = await openHouse({ allowSignup: true })
    const ada = await person('ada@red.test')
    await call('POST', '/v1/organisations', { slug: 'red' }, ada.headers)
    for (const slug of ['a', 'b']) await call('POST', '/v1/organisations/red/projects', { slug }, ada.headers)
    const first = await call('GET', '/v1/organisations/red/audit?limit=2', undefined, ada.headers)
    expect(first.body.rows).toMatchObject([
      { action: 'project.create', actor: ada.id, project: 'red/b' },
      { action: 'project.create', project: 'red/a' },
    ])
    const next = `/v1/organisations/red/audit?limit=2&cursor=${first.body.nextCursor}`
    const second = await call('GET', next, undefined, ada.headers)
    expect(second.body).toMatchObject({ rows: [{ action: 'organisation.create', data: { slug: 'red' } }] })
    expect(second.body.nextCursor).toBeUndefined()
  })
})
