import { afterAll, describe, expect, it } from 'vitest'
import { closeTestIdentities, openIdentityApi } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

describe('an organisation', () => {
  it('is created by a person, adds members by invitation, keeps an owner, and is not found by others', async () => {
    const { call, person, identity, addMember } = await openIdentityApi({ allowSignup: true })
    await person('operator@x.test')
    const ada = await person('ada@red.test')
    const bob = await person('bob@red.test')
    const eve = await person('eve@blue.test')
    expect((await call('POST', '/v1/organisations', { slug: 'red' }, ada.headers)).status).toBe(201)
    expect((await call('POST', '/v1/organisations', { slug: 'red' }, eve.headers)).status).toBe(409)
    const members = '/v1/organisations/red/members'
    expect((await call('GET', members, undefined, eve.headers)).status).toBe(404)
    await addMember('red', { by: ada, person: bob, email: 'bob@red.test', role: 'member' })
    expect((await call('POST', members, { email: 'bob@red.test', role: 'admin' }, ada.headers)).status).toBe(200)
    // Admins can neither grant nor revoke the role owner.
    expect((await call('POST', members, { email: 'bob@red.test', role: 'owner' }, bob.headers)).status).toBe(403)
    expect((await call('POST', members, { email: 'ada@red.test', role: 'viewer' }, bob.headers)).status).toBe(403)
    expect((await call('DELETE', `${members}/${ada.id}`, undefined, bob.headers)).status).toBe(403)
    // The last owner cannot leave or change their role.
    expect((await call('DELETE', `${members}/${ada.id}`, undefined, ada.headers)).status).toBe(409)
    expect((await call('POST', members, { email: 'ada@red.test', role: 'admin' }, ada.headers)).status).toBe(409)
    expect((await call('POST', members, { email: 'bob@red.test', role: 'owner' }, ada.headers)).status).toBe(200)
    // When two owners remove each other at the same time, one of them remains.
    const both = await Promise.all([
      call('DELETE', `${members}/${bob.id}`, undefined, ada.headers),
      call('DELETE', `${members}/${ada.id}`, undefined, bob.headers),
    ])
    expect(both.filter(({ status }) => status === 204)).toHaveLength(1)
    const audit = await identity.listAudit({ subject: bob.id })
    expect(audit.map(({ action }) => action)).toContain('member.set')
  })

  it('is accessible to tokens only as far as their account and their limit allow', async () => {
    const { call, person, addMember } = await openIdentityApi({ allowSignup: true })
    await person('operator@x.test')
    const ada = await person('ada@red.test')
    const bob = await person('bob@red.test')
    for (const slug of ['red', 'green']) await call('POST', '/v1/organisations', { slug }, ada.headers)
    await addMember('red', { by: ada, person: bob, email: 'bob@red.test', role: 'member' })
    const createToken = (body: object, headers: Record<string, string>) =>
      call('POST', '/v1/tokens', { name: 'ci', scopes: ['jobs:write'], ...body }, headers)
    const wide = await createToken({ scopes: ['admin:*'] }, bob.headers)
    const bearer = ({ body }: typeof wide) => ({ authorization: `Bearer ${body.secret}` })
    expect((await call('GET', '/v1/organisations/red/projects', undefined, bearer(wide))).status).toBe(200)
    expect((await call('POST', '/v1/organisations/red/projects', { slug: 'p' }, bearer(wide))).status).toBe(403)
    await call('DELETE', `/v1/organisations/red/members/${bob.id}`, undefined, ada.headers)
    expect((await call('GET', '/v1/organisations/red/projects', undefined, bearer(wide))).status).toBe(404)

    const narrow = await createToken({ organisation: 'red', scopes: ['admin:*'] }, ada.headers)
    expect(narrow.body).toMatchObject({ organisation: 'red' })
    expect((await call('GET', '/v1/me', undefined, bearer(narrow))).body.projects).toEqual([
      { name: 'red/default', role: 'owner' },
    ])
    expect((await call('GET', '/v1/organisations/green/members', undefined, bearer(narrow))).status).toBe(404)
    expect((await createToken({ organisation: 'green' }, bearer(narrow))).status).toBe(404)
    expect((await createToken({ project: 'green/default' }, bearer(narrow))).status).toBe(404)
    const child = await createToken({}, bearer(narrow))
    expect(child.body).toMatchObject({ organisation: 'red' })
    expect((await call('DELETE', `/v1/tokens/${narrow.body.id}`, undefined, bob.headers)).status).toBe(404)
  })

  it('has an audit that its admins can read in pages', async () => {
    const { call, person } = await openIdentityApi({ allowSignup: true })
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
