import type {
  ExchangedToken,
  Problem,
  Publisher,
  PublisherList,
  PublisherTest,
  PublishingInfo,
} from '@trainyard/contract'
import { generateKeyPair } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startIssuer, type TestIssuer } from '../testing/ci-issuer.ts'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'

const AUDIENCE = 'http://127.0.0.1:7600'

describe('publishing from a CI without a stored secret', () => {
  let harness: Harness
  let issuer: TestIssuer
  let admin: string
  let trainer: string
  let count = 0
  beforeAll(async () => {
    issuer = await startIssuer(AUDIENCE)
    harness = await createHarness({
      config: { publicUrl: AUDIENCE, ciIssuers: [{ name: 'github', issuer: issuer.url, kind: 'github' }] },
    })
    await harness.registry.start()
    admin = await harness.token(['admin:acme'])
  })
  afterAll(async () => {
    await harness.close()
    await issuer.close()
  })
  beforeEach(() => {
    trainer = `acme/${['birch', 'maple', 'willow', 'cedar', 'juniper', 'hazel', 'poplar', 'aspen', 'yew', 'rowan', 'elder', 'linden', 'sycamore'][count++]}`
  })

  const send = (method: string, path: string, body: unknown, token?: string) =>
    harness.request(path, {
      method,
      token,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  async function add(conditions: object = { workflow: 'release.yml' }, token = admin): Promise<Publisher> {
    const body = { issuer: 'github', repository: 'Acme/Detector', ...conditions }
    const response = await send('POST', `/v1/trainers/${trainer}/publishers`, body, token)
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([201, ''])
    return (await response.json()) as Publisher
  }
  const exchange = async (token: string) => await send('POST', '/v1/publishing/tokens', { trainer, token })
  async function refusal(claims: Record<string, unknown>): Promise<[number, string]> {
    const response = await exchange(await issuer.token(claims))
    return [response.status, ((await response.json()) as Problem).detail ?? '']
  }
  const list = async () => {
    const response = await send('GET', `/v1/trainers/${trainer}/publishers`, undefined, admin)
    return ((await response.json()) as PublisherList).publishers
  }

  it('publishes the first version of a trainer that does not exist yet, and no other trainer', async () => {
    expect(await add()).toMatchObject({ isPending: true, trainer, issuer: 'github' })
    const response = await exchange(await issuer.token())
    expect(response.status).toBe(200)
    const { token } = (await response.json()) as ExchangedToken
    const pushed = await pushBundle(harness, { name: trainer, version: '1.0.0', token })
    expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
    expect(await list()).toMatchObject([
      { isPending: false, repositoryId: '740000001', ownerId: '540000001', lastUse: { run: '9000000001' } },
    ])
    await expect(pushBundle(harness, { name: 'acme/another', version: '1.0.0', token })).rejects.toThrow(/40[13]/)
    const widened = await send(
      'POST',
      `/v1/trainers/${trainer}/publishers`,
      { issuer: 'github', repository: 'evil/x', ref: 'refs/heads/x' },
      token,
    )
    expect(widened.status).toBe(403)
  })

  it('has at most twenty publishers for a trainer, also when requests arrive together', async () => {
    const body = (index: number) => ({ issuer: 'github', repository: `acme/r${index}`, workflow: 'release.yml' })
    const requests = Array.from({ length: 24 }, (_, index) =>
      send('POST', `/v1/trainers/${trainer}/publishers`, body(index), admin),
    )
    const statuses = (await Promise.all(requests)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 409)).toHaveLength(4)
    expect(await list()).toHaveLength(20)
  })

  it('tells the repository exactly which claims are different, and its owner too', async () => {
    await add({ repositoryId: '34', workflow: 'release.yml', environment: 'production', ref: 'refs/tags/v*' })
    const claims = {
      repository_id: '12',
      ref: 'refs/heads/main',
      job_workflow_ref: 'acme/detector/.github/workflows/ci.yml@refs/heads/main',
    }
    const [status, detail] = await refusal(claims)
    expect(status).toBe(403)
    for (const reason of [
      'the token says repository_id 12, the publisher expects 34',
      'the token says job_workflow_ref ci.yml, the publisher expects release.yml',
      'the token has no environment, the publisher expects production',
      'the token says ref refs/heads/main, the publisher expects refs/tags/v*',
    ])
      expect(detail).toContain(reason)
    expect((await list())[0]?.lastRefusal?.reasons).toHaveLength(4)
  })

  it('pins the numbers of the first job, so that the next owner of the name is refused', async () => {
    await add()
    expect((await exchange(await issuer.token())).status).toBe(200)
    expect(await refusal({ repository_id: '666' })).toEqual([
      403,
      expect.stringContaining('the token says repository_id 666, the publisher expects 740000001'),
    ])
    expect((await refusal({ repository_owner_id: '666' }))[1]).toContain('repository_owner_id 666')
    expect((await refusal({ repository_id: undefined }))[1]).toContain('has no repository_id')
  })

  it('tells other repositories nothing about the publishers', async () => {
    const stranger = { repository: 'evil/x', repository_id: '1' }
    const without = await refusal(stranger)
    await add({ environment: 'secret-place' })
    expect(await refusal(stranger)).toEqual(without)
    expect(without).toEqual([403, expect.stringContaining('repository evil/x (number 1)')])
    expect((await list())[0]?.lastRefusal).toBeUndefined()
  })

  it('exchanges a token once, also when two requests arrive together', async () => {
    await add()
    const token = await issuer.token()
    const answers = await Promise.all([exchange(token), exchange(token), exchange(token)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401])
    const unnamed = await issuer.token({ jti: undefined })
    expect((await exchange(unnamed)).status).toBe(200)
    const again = await exchange(unnamed)
    expect([again.status, await again.text()]).toEqual([401, expect.stringContaining('was exchanged before')])
  })

  it('refuses a token of another audience, time, key, algorithm or issuer, and says which', async () => {
    await add()
    const { privateKey } = await generateKeyPair('RS256')
    const hmac = new TextEncoder().encode('a secret that is long enough for it')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: issuer.url, aud: AUDIENCE, exp: 4_000_000_000 }
    const cases: [string, string][] = [
      [
        await issuer.token({ aud: 'https://other.test' }),
        'audience "https://other.test", this registry expects "http://127.0.0.1:7600"',
      ],
      [await issuer.token({ exp: 1_700_000_000 }), 'expired at 2023-11-14'],
      [await issuer.token({ exp: undefined }), '"exp"'],
      [await issuer.token({ nbf: 4_000_000_000 }), 'not valid yet'],
      [await issuer.token({ iss: 'https://evil.test' }), 'issuer "https://evil.test"'],
      [await issuer.token({}, { key: privateKey }), 'signature'],
      [await issuer.token({}, { kid: 'two' }), 'the key "two"'],
      [await issuer.token({}, { key: hmac, alg: 'HS256' }), 'signed with "HS256"'],
      [`${part({ alg: 'none' })}.${part(claims)}.`, 'signed with "none"'],
      ['a.b.c', 'not a JWT'],
    ]
    for (const [token, reason] of cases) {
      const response = await exchange(token)
      expect([response.status, await response.text()]).toEqual([
        401,
        expect.stringContaining(JSON.stringify(reason).slice(1, -1)),
      ])
    }
  })

  it('tests the connection and a token, which can still be exchanged', async () => {
    const { id } = await add({ ref: 'refs/tags/v*' })
    const test = async (body: object) =>
      (await (await send('POST', `/v1/trainers/${trainer}/publishers/${id}/test`, body, admin)).json()) as PublisherTest
    expect(await test({})).toEqual({ ok: true, keys: 1, reasons: [] })
    const token = await issuer.token()
    expect(await test({ token })).toMatchObject({
      ok: true,
      job: { repository: 'acme/detector', workflow: 'release.yml' },
    })
    expect((await test({ token: await issuer.token({ ref: 'refs/heads/v1' }) })).reasons).toEqual([
      'the token says ref refs/heads/v1, the publisher expects refs/tags/v*',
    ])
    expect((await test({ token: await issuer.token({ aud: 'x' }) })).reasons[0]).toContain('audience "x"')
    expect((await exchange(token)).status).toBe(200)
  })

  it('ends the tokens of a publisher with the publisher', async () => {
    const { id } = await add()
    const { token } = (await (await exchange(await issuer.token())).json()) as ExchangedToken
    const path = `/v1/trainers/${trainer}/publishers/${id}`
    expect((await send('DELETE', path, undefined, await harness.token(['push:acme']))).status).toBe(403)
    expect((await send('DELETE', path, undefined, admin)).status).toBe(204)
    await expect(pushBundle(harness, { name: trainer, version: '1.0.0', token })).rejects.toThrow('401')
    expect((await refusal({}))[0]).toBe(403)
  })

  it('keeps the publisher when its tokens cannot be revoked', async () => {
    const { id } = await add()
    const { token } = (await (await exchange(await issuer.token())).json()) as ExchangedToken
    const { database, identity } = harness.registry.context
    const tokens = sql.id(identity.schema, 'tokens')
    await sql`alter table ${tokens} add constraint kept check (revoked_at is null) not valid`.execute(database.db)
    const path = `/v1/trainers/${trainer}/publishers/${id}`
    try {
      expect((await send('DELETE', path, undefined, admin)).status).toBe(500)
      expect((await list()).map((one) => one.id)).toEqual([id])
    } finally {
      await sql`alter table ${tokens} drop constraint kept`.execute(database.db)
    }
    expect((await send('DELETE', path, undefined, admin)).status).toBe(204)
    expect(await identity.findCaller(token)).toBeUndefined()
    const revoked = (await identity.listAudit()).find(({ action }) => action === 'token.revoke')
    expect(revoked).toMatchObject({ actor: expect.not.stringMatching(/^pub/) })
  })

  it('leaves no token to a publisher that is removed while a job exchanges its token', async () => {
    const { id } = await add()
    const { database, identity } = harness.registry.context
    const create = identity.createToken
    let removed: Promise<Response> | undefined
    const spy = vi.spyOn(identity, 'createToken').mockImplementation(async (token) => {
      removed = Promise.resolve(send('DELETE', `/v1/trainers/${trainer}/publishers/${id}`, undefined, admin))
      let isDone = false
      void removed.finally(() => {
        isDone = true
      })
      // The removal has ended, or it waits for the exchange.
      for (let isWaiting = false; !isDone && !isWaiting; ) {
        const { rows } = await sql`select 1 from pg_locks l join pg_stat_activity a using (pid)
          where not l.granted and a.datname = current_database()`.execute(database.db)
        isWaiting = rows.length > 0
      }
      return await create(token)
    })
    const { token } = (await (await exchange(await issuer.token())).json()) as ExchangedToken
    spy.mockRestore()
    expect((await removed)?.status).toBe(204)
    expect(await identity.findCaller(token)).toBeUndefined()
  })

  it('is set up with at least one condition, a known issuer and a name that can be taken', async () => {
    const tries: [string, object, number, string][] = [
      [trainer, {}, 400, 'at least one of workflow, environment and ref'],
      [trainer, { issuer: 'jenkins', workflow: 'x' }, 400, 'must be \\"github\\"'],
      [trainer, { repository: 'no-slash', workflow: 'x' }, 400, 'OWNER/NAME'],
      [trainer, { ref: 'refs/a*b*c*d*e' }, 400, 'at most three'],
      ['acme/Upper', { workflow: 'x' }, 422, 'lower case'],
    ]
    for (const [name, more, status, reason] of tries) {
      const body = { issuer: 'github', repository: 'acme/detector', ...more }
      const response = await send('POST', `/v1/trainers/${name}/publishers`, body, admin)
      expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(reason)])
    }
  })

  it('names its audience and its issuers', async () => {
    const info = (await (await send('GET', '/v1/publishing', undefined)).json()) as PublishingInfo
    expect(info).toEqual({ audience: AUDIENCE, issuers: [{ name: 'github', issuer: issuer.url }] })
  })
})
