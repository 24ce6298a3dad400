import { sql } from 'kysely'
import { afterAll, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi } from '../testing/identity-api.ts'

const DAY_MS = 86_400_000

describe('tokens', () => {
  afterAll(() => closeTestIdentities())

  async function start(auth = {}) {
    const api = await openIdentityApi({ allowSignup: true, ...auth })
    await api.person('operator@trainyard.test')
    const ada = await api.person('ada@red.test')
    await api.call('POST', '/v1/organisations', { slug: 'red' }, ada.headers)
    const create = async (request: object, headers = ada.headers) => {
      const made = await api.call('POST', '/v1/tokens', { name: 'test', scopes: ['jobs:read'], ...request }, headers)
      return { ...made, id: String(made.body.id), headers: bearer(String(made.body.secret)) }
    }
    const me = async (headers: ReturnType<typeof bearer>) =>
      (await api.call('GET', '/v1/me', undefined, headers)).status
    const list = async (headers = ada.headers) => await api.call('GET', '/v1/tokens', undefined, headers)
    const revoke = async (id: string, headers = ada.headers) =>
      (await api.call('DELETE', `/v1/tokens/${id}`, undefined, headers)).status
    const row = sql.id(api.identity.schema, 'tokens')
    return { ...api, ada, create, me, list, revoke, row }
  }

  it('cannot be created, listed or revoked by a token without the scope for that', async () => {
    const { create, list, revoke } = await start()
    const strong = await create({ scopes: ['admin:*'] })
    for (const scope of ['jobs:read', 'jobs:write', 'datasets:write', 'pull:*', 'push:*', 'push:red', 'admin:red']) {
      const token = await create({ scopes: [scope] })
      const made = await create({ scopes: [scope] }, token.headers)
      const statuses = [made.status, (await list(token.headers)).status, await revoke(strong.id, token.headers)]
      expect([scope, ...statuses, await revoke(token.id, token.headers)]).toEqual([scope, 403, 403, 403, 403])
      expect(made.body.detail).toContain(`the scope "tokens:manage"; this one has ${scope}`)
    }
    expect((await list()).body.tokens).toHaveLength(8)
  })

  it('have no more scopes and no later end than the token that creates them', async () => {
    const { create } = await start()
    const parent = await create({ scopes: ['tokens:manage', 'jobs:write'], expiresInDays: 1 })
    expect((await create({ scopes: ['datasets:read'] }, parent.headers)).status).toBe(403)
    const later = await create({ scopes: ['jobs:read'], expiresInDays: 2 }, parent.headers)
    expect([later.status, later.body.issues]).toMatchObject([422, [{ path: 'expiresInDays', value: 2 }]])
    const child = await create({ scopes: ['jobs:read', 'tokens:manage'] }, parent.headers)
    expect([child.status, child.body.expiresAt]).toEqual([201, parent.body.expiresAt])
    expect((await create({}, child.headers)).body.expiresAt).toBe(parent.body.expiresAt)
  })

  it('end with each token that they descend from, by revocation and by expiry', async () => {
    const { identity, create, me, list, revoke, row } = await start()
    const scopes = ['tokens:manage', 'jobs:read']
    for (const how of ['revoked', 'expired'] as const) {
      const first = await create({ scopes })
      const second = await create({ scopes }, first.headers)
      const third = await create({}, second.headers)
      const other = await create({})
      expect(await me(third.headers)).toBe(200)
      if (how === 'revoked') expect(await revoke(first.id)).toBe(204)
      else
        await sql`update ${row} set expires_at = now() - interval '1 second' where id = ${first.id}`.execute(
          identity.database.db,
        )
      const statuses = await Promise.all([first, second, third, other].map(({ headers }) => me(headers)))
      expect([how, ...statuses]).toEqual([how, 401, 401, 401, 200])
      for (const { id } of [second, third]) expect(await identity.findCallerOfToken(id)).toBeUndefined()
      const shown = (await list()).body.tokens.map((token: { id: string }) => token.id)
      expect(shown).toContain(other.id)
      expect(shown).not.toContain(third.id)
      // What has ended with its parent creates nothing either.
      expect((await create({}, second.headers)).status).toBe(401)
    }
  })

  it('show what created them', async () => {
    const { create, list } = await start()
    const parent = await create({ name: 'parent', scopes: ['tokens:manage'] })
    await create({ name: 'child', scopes: ['tokens:manage'] }, parent.headers)
    const [child, ofSession] = (await list()).body.tokens
    expect(child).toMatchObject({ name: 'child', createdBy: { credentials: 'token', id: parent.id, name: 'parent' } })
    expect(ofSession.createdBy).toEqual({ credentials: 'session', id: expect.stringMatching(/^ses_/) })
  })

  it('are not sessions, and sessions are not tokens', async () => {
    const { ada, call, create, list, revoke, me } = await start()
    const { body } = await call('GET', '/v1/sessions', undefined, ada.headers)
    const [session] = body.sessions
    const token = await create({ scopes: ['admin:*'] })
    expect(await revoke(session.id)).toBe(404)
    expect(await revoke(session.id, token.headers)).toBe(404)
    expect((await call('DELETE', `/v1/sessions/${token.id}`, undefined, ada.headers)).status).toBe(404)
    expect((await call('DELETE', `/v1/sessions/${session.id}`, undefined, token.headers)).status).toBe(403)
    expect([await me(ada.headers), await me(token.headers)]).toEqual([200, 200])
    const ids = (await list()).body.tokens.map(({ id }: { id: string }) => id)
    expect(ids).toEqual([token.id])
  })

  it('of an organisation or project reach no token outside of it', async () => {
    const { ada, call, create, list, revoke } = await start()
    await call('POST', '/v1/organisations', { slug: 'green' }, ada.headers)
    const scopes = ['tokens:manage', 'jobs:read']
    const green = await create({ organisation: 'green' })
    const everywhere = await create({})
    const red = await create({ scopes, organisation: 'red' })
    const project = await create({ scopes, project: 'red/default' })
    const seen = async (headers: ReturnType<typeof bearer>) =>
      (await list(headers)).body.tokens.map(({ id }: { id: string }) => id)
    expect(await seen(red.headers)).toEqual([project.id, red.id])
    expect(await seen(project.headers)).toEqual([project.id])
    for (const { id } of [green, everywhere]) expect(await revoke(id, red.headers)).toBe(404)
    expect(await revoke(red.id, project.headers)).toBe(404)
    expect((await create({}, project.headers)).body).toMatchObject({ organisation: 'red', project: 'red/default' })
    expect((await create({ organisation: 'green' }, red.headers)).status).toBe(404)
  })

  it('from before parents were recorded stay valid', async () => {
    const { identity, create, me, row } = await start()
    const old = await create({})
    await sql`update ${row} set parent_id = null, created_by = null, created_by_id = null`.execute(identity.database.db)
    expect(await me(old.headers)).toBe(200)
  })

  it('have a name, known scopes and an end within bounds', async () => {
    const { create } = await start()
    const table: [object, string][] = [
      [{ name: '' }, 'name'],
      [{ name: 'x'.repeat(101) }, 'name'],
      [{ name: 'two\nlines' }, 'name'],
      [{ expiresInDays: 0 }, 'expiresInDays'],
      [{ expiresInDays: -1 }, 'expiresInDays'],
      [{ expiresInDays: 3651 }, 'expiresInDays'],
      [{ expiresInDays: 1e300 }, 'expiresInDays'],
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['tokens:manage:red'] }, 'scopes'],
      [{ scopes: [`push:${'a'.repeat(100)}`] }, 'scopes'],
    ]
    for (const [request, field] of table) {
      const { status, body } = await create(request)
      expect([request, status, body.issues[0].path]).toEqual([request, 400, expect.stringContaining(field)])
    }
  })

  it('live no longer than TOKEN_MAX_DAYS', async () => {
    const { create } = await start({ tokenMaxDays: 30 })
    expect((await create({ expiresInDays: 31 })).body).toMatchObject({ status: 422, issues: [{ value: 31 }] })
    const days = (Date.parse((await create({})).body.expiresAt) - Date.now()) / DAY_MS
    expect(Math.round(days)).toBe(30)
  })

  it('are limited in number, and ended ones do not count', async () => {
    const { ada, identity, create, row } = await start()
    await sql`insert into ${row} (id, owner, name, scopes, secret_hash)
      select 'tok_' || n, ${ada.id}, 'many', '[]', n::text from generate_series(1, 499) n`.execute(identity.database.db)
    const statuses = await Promise.all([create({}), create({}), create({})])
    expect(statuses.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    await sql`update ${row} set revoked_at = now() where id = 'tok_7'`.execute(identity.database.db)
    expect((await create({})).status).toBe(201)
  })

  it('are recorded once in the audit of each organisation in which they can act', async () => {
    const { ada, call, create, revoke } = await start()
    await call('POST', '/v1/organisations', { slug: 'green' }, ada.headers)
    const wide = await create({ name: 'wide' })
    const narrow = await create({ name: 'narrow', scopes: ['push:red'] })
    const limited = await create({ name: 'limited', organisation: 'green' })
    await revoke(wide.id)
    const parent = await create({ name: 'parent', scopes: ['tokens:manage'], organisation: 'red' })
    await create({ name: 'child', scopes: ['tokens:manage'] }, parent.headers)
    const rows = async (slug: string) => {
      const { body } = await call('GET', `/v1/organisations/${slug}/audit`, undefined, ada.headers)
      return body.rows.filter(({ action }: { action: string }) => action.startsWith('token.'))
    }
    const [red, green] = [await rows('red'), await rows('green')]
    const names = (list: { action: string; subjectName: string }[]) => list.map((one) => [one.action, one.subjectName])
    expect(names(red)).toEqual([
      ['token.create', 'child'],
      ['token.create', 'parent'],
      ['token.revoke', 'wide'],
      ['token.create', 'narrow'],
      ['token.create', 'wide'],
    ])
    expect(names(green)).toEqual([
      ['token.revoke', 'wide'],
      ['token.create', 'limited'],
      ['token.create', 'wide'],
    ])
    expect(red[0]).toMatchObject({
      actor: ada.id,
      actorName: 'ada',
      credentials: 'token',
      token: { id: parent.id, name: 'parent' },
      address: 'unknown',
    })
    expect(red[1]).toMatchObject({ credentials: 'session', token: { id: expect.stringMatching(/^ses_/) } })
    expect(red[3]).toMatchObject({ subject: narrow.id })
    expect(green[1]).toMatchObject({ subject: limited.id })
  })
})
