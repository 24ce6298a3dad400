import { DEFAULT_AUTH } from '@trainyard/platform'
import { fakeClock, onDemand } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, digestOf, type Harness, pushBlob } from '../testing/harness.ts'

const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`

describe('logging in', () => {
  const clock = fakeClock()
  let harness: Harness
  let token: string
  beforeAll(async () => {
    harness = await createHarness({ clock })
    token = await harness.token(['push:acme'])
  })
  afterAll(() => harness.close())

  async function grant(query: string, authorization?: string): Promise<string> {
    const response = await harness.request(`/token?service=trainyard${query}`, {
      headers: new Headers(authorization === undefined ? [] : [['authorization', authorization]]),
    })
    expect(response.status).toBe(200)
    const body = (await response.json()) as { token: string; access_token: string; expires_in: number }
    expect(body.token).toBe(body.access_token)
    expect(body.expires_in).toBe(300)
    return body.token
  }
  const open = (authorization: string, name = 'acme/a') =>
    harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', headers: { authorization } })

  it('starts with a challenge that names the token endpoint', async () => {
    const response = await harness.request('/v2/')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer realm="http://127.0.0.1:7600/token",service="trainyard"',
    )
    expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    const push = await harness.request('/v2/acme/a/blobs/uploads/', { method: 'POST' })
    expect(push.headers.get('www-authenticate')).toMatch(/,scope="repository:acme\/a:pull,push"$/)
  })

  it('accepts a token with Basic and with Bearer, and a token of the token endpoint', async () => {
    for (const authorization of [basic(token), `Bearer ${token}`, `Bearer ${await grant('', basic(token))}`]) {
      expect((await harness.request('/v2/', { headers: { authorization } })).status).toBe(200)
    }
    const granted = await grant('&scope=repository:acme/a:pull,push', basic(token))
    expect((await open(`Bearer ${granted}`)).status).toBe(202)
  })

  it('accepts the OAuth2 form', async () => {
    const body = new URLSearchParams({
      grant_type: 'password',
      username: 'ada',
      password: token,
      service: 'trainyard',
      scope: 'repository:acme/a:push repository:acme/b:pull',
    })
    const response = await harness.request('/token', { method: 'POST', body })
    const { access_token } = (await response.json()) as { access_token: string }
    expect((await open(`Bearer ${access_token}`)).status).toBe(202)
    const wider = await open(`Bearer ${access_token}`, 'acme/b')
    expect(wider.status).toBe(401)
    expect(wider.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  })

  it('grants a subset of the requested actions, and issues anonymous tokens for pulls', async () => {
    const foreign = await grant('&scope=repository:other/x:pull,push', basic(token))
    expect((await open(`Bearer ${foreign}`, 'other/x')).status).toBe(401)
    const anonymous = await grant('&scope=repository:acme/a:pull,push')
    expect((await harness.request('/v2/', { token: anonymous })).status).toBe(200)
    expect((await open(`Bearer ${anonymous}`)).status).toBe(401)
  })

  it('revokes a grant together with the token that it was issued for, and with the permissions of its owner', async () => {
    const { identity } = harness.registry.context
    const made = await identity.createToken({ owner: 'eve', name: 'to be revoked', scopes: ['push:acme'] })
    const other = await identity.createToken({ owner: 'eve', name: 'to be cut', scopes: ['push:acme'] })
    const digest = await pushBlob(harness, { name: 'acme/eves', token: made.secret, bytes: Buffer.from('hers') })
    const scope = '&scope=repository:acme/eves:pull,push'
    const [revoked, cut] = [await grant(scope, basic(made.secret)), await grant(scope, basic(other.secret))]
    const anonymous = await grant('&scope=repository:acme/eves:pull')
    const headStatus = async (given: string) =>
      (await harness.request(`/v2/acme/eves/blobs/${digest}`, { method: 'HEAD', token: given })).status
    expect([await headStatus(revoked), await headStatus(cut)]).toEqual([200, 200])
    const upload = (await open(`Bearer ${revoked}`, 'acme/eves')).headers.get('location')
    await identity.revokeToken(made.id, 'eve')
    await identity.database.db
      .updateTable('tokens')
      .set({ scopes: JSON.stringify(['pull:other']) })
      .where('id', '=', other.id)
      .execute()
    const refused = await open(`Bearer ${revoked}`, 'acme/eves')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('/token')])
    expect(await refused.text()).toContain('was revoked')
    expect(await headStatus(revoked)).toBe(401)
    // The grant cannot continue an upload that it started, either.
    const put = await harness.request(`${upload}?digest=${digestOf(Buffer.from('x'))}`, {
      method: 'PUT',
      token: revoked,
      body: Buffer.from('x'),
    })
    expect(put.status).toBe(401)
    expect((await harness.request('/v1/trainers', { token: revoked })).status).toBe(401)
    expect((await open(`Bearer ${cut}`, 'acme/eves')).status).toBe(401)
    expect(await headStatus(cut)).toBe(404)
    expect((await harness.request('/v2/', { token: anonymous })).status).toBe(200)
  })

  it.each(['ty_wrong', 'nonsense', 'a.b.c'])('refuses the password and token %s in OCI form', async (wrong) => {
    const response = await harness.request('/token', { headers: { authorization: basic(wrong) } })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] })
    expect((await open(`Bearer ${wrong}`)).status).toBe(401)
  })

  it('limits wrong passwords of an address, and accepts the right one meanwhile', async () => {
    const ask = (user: string, password: string, path = '/token') =>
      harness.request(path, { headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } })
    const attempts = []
    for (let index = 0; index < 60; index += 1) attempts.push(await ask('ada', `ty_guess${index}`))
    const limited = attempts.filter(({ status }) => status === 429)
    expect(attempts.slice(0, 10).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401))
    expect(limited).toHaveLength(50)
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(600)
    expect(await limited[0]?.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] })
    // Basic authentication is accepted below /v2 and by the JSON API, too.
    const below = await ask('ada', 'ty_guess', '/v2/')
    expect([below.status, below.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)])
    expect((await ask('ada', 'ty_guess', '/v1/trainers')).status).toBe(429)
    const form = new URLSearchParams({ grant_type: 'password', username: 'ada', password: 'ty_guess' })
    expect((await harness.request('/token', { method: 'POST', body: form })).status).toBe(429)
    expect((await ask('ada', token)).status).toBe(200)
    expect((await ask('ada', token, '/v2/')).status).toBe(200)
  })

  it('denies a push beyond the scopes of a token and names the required scope', async () => {
    const response = await open(`Bearer ${token}`, 'other/x')
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      errors: [{ code: 'DENIED', message: expect.stringContaining('"push:other"') }],
    })
    expect((await open(`Bearer ${await harness.token(['pull:acme'])}`)).status).toBe(403)
    expect((await open(`Bearer ${await harness.token(['push:*'])}`, 'other/x')).status).toBe(202)
  })

  it('lets only an upload outlive the token that started it', async () => {
    const bytes = Buffer.from('slow')
    const authorization = `Bearer ${await grant('&scope=repository:acme/a:pull,push', basic(token))}`
    const location = (await open(authorization)).headers.get('location')
    clock.advance(1000 * 1000)
    expect((await open(authorization)).status).toBe(401)
    const put = await harness.request(`${location}?digest=${digestOf(bytes)}`, {
      method: 'PUT',
      headers: { authorization },
      body: bytes,
    })
    expect(put.status).toBe(201)
    const read = await harness.request(`/v2/acme/a/blobs/${digestOf(bytes)}`, { headers: { authorization } })
    expect(read.status).toBe(401)
  })

  it('ends an upload of a grant that has expired when the token that it was issued for is revoked', async () => {
    const { identity } = harness.registry.context
    const parent = await identity.createToken({ owner: 'eve', name: 'parent', scopes: ['push:acme'] })
    const child = await identity.createToken({
      owner: 'eve',
      name: 'child',
      scopes: ['push:acme'],
      parentId: parent.id,
    })
    const authorization = `Bearer ${await grant('&scope=repository:acme/a:pull,push', basic(child.secret))}`
    const location = (await open(authorization)).headers.get('location') ?? ''
    const patch = async (given: string) =>
      (await harness.request(location, { method: 'PATCH', headers: { authorization: given }, body: 'more' })).status
    const foreign = `Bearer ${await grant('&scope=repository:acme/b:pull,push', basic(child.secret))}`
    const anonymous = `Bearer ${await grant('&scope=repository:acme/a:pull,push')}`
    clock.advance(1000 * 1000)
    expect(await patch(authorization)).toBe(202)
    // An expired grant that never allowed this push does not allow it either.
    expect([await patch(foreign), await patch(anonymous)]).toEqual([401, 401])
    await identity.revokeToken(parent.id, 'eve')
    expect(await patch(authorization)).toBe(401)
    expect((await harness.request('/token', { headers: { authorization: basic(child.secret) } })).status).toBe(401)
  })

  describe('refuses at the end of a body what its sender lost the right to push meanwhile', () => {
    /** Sends half of the bytes, waits for `meanwhile`, and sends the rest a minute later. */
    async function sendSlowly(method: string, path: string, authorization: string, meanwhile: () => Promise<unknown>) {
      const bytes = Buffer.from(`sent slowly to ${path}`)
      // Read only once the request has been accepted.
      async function* parts() {
        yield bytes.subarray(0, 8)
        await meanwhile()
        clock.advance(60_000)
        yield bytes.subarray(8)
      }
      const body = onDemand(parts())
      const digest = digestOf(bytes)
      const url = method === 'PATCH' ? path : `${path}${path.includes('?') ? '&' : '?'}digest=${digest}`
      const response = await harness.request(url, { method, headers: { authorization }, body })
      return { status: response.status, text: await response.text(), digest }
    }
    const create = (expiresAt?: Date) =>
      harness.registry.context.identity.createToken({ owner: 'eve', name: 'slow', scopes: ['push:acme'], expiresAt })

    it.each(['POST', 'PUT', 'PATCH'])('with %s, and keeps nothing of it', async (method) => {
      const { identity, database } = harness.registry.context
      for (const granted of [false, true]) {
        const made = await create()
        const authorization = granted
          ? `Bearer ${await grant('&scope=repository:acme/a:pull,push', basic(made.secret))}`
          : basic(made.secret)
        const path =
          method === 'POST'
            ? '/v2/acme/a/blobs/uploads/'
            : ((await open(authorization)).headers.get('location') ?? '').replace(/^https?:\/\/[^/]+/, '')
        const chunksBefore = await database.db.selectFrom('upload_chunks').select('key').execute()
        const { status, text, digest } = await sendSlowly(method, path, authorization, () =>
          identity.revokeToken(made.id, 'eve'),
        )
        expect(status, text).toBe(401)
        expect(text).toContain('revoked')
        const blob = await database.db.selectFrom('blobs').select('digest').where('digest', '=', digest).execute()
        expect(blob).toEqual([])
        const chunks = await database.db.selectFrom('upload_chunks').select('key').execute()
        expect(chunks).toEqual(chunksBefore)
      }
    })

    it('but not a push whose grant expires meanwhile', async () => {
      const made = await create()
      const authorization = `Bearer ${await grant('&scope=repository:acme/a:pull,push', basic(made.secret))}`
      const { status } = await sendSlowly('POST', '/v2/acme/a/blobs/uploads/', authorization, async () => {
        clock.advance(1000 * 1000)
      })
      expect(status).toBe(201)
    })
  })

  it('lets the owner read what is not published, also with a token of the token endpoint', async () => {
    const digest = await pushBlob(harness, { name: 'acme/mine', token, bytes: Buffer.from('mine') })
    const path = `/v2/acme/mine/blobs/${digest}`
    const own = await grant('&scope=repository:acme/mine:pull', basic(token))
    expect((await harness.request(path, { method: 'HEAD', token: own })).status).toBe(200)
    const anonymous = await grant('&scope=repository:acme/mine:pull')
    expect((await harness.request(path, { method: 'HEAD', token: anonymous })).status).toBe(404)
  })
})

describe('managing tokens', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await createHarness()
  })
  afterAll(() => harness.close())

  const create = (token: string | undefined, scopes: string[]) =>
    harness.request('/v1/tokens', {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ci', scopes, expiresInDays: 30 }),
    })

  it('creates, lists and revokes tokens of the caller, and shows the secret once', async () => {
    const token = await harness.token(['push:acme', 'tokens:manage'], 'grace')
    const made = await create(token, ['push:acme', 'pull:acme', 'tokens:manage'])
    expect(made.status).toBe(201)
    const { id, secret } = (await made.json()) as { id: string; secret: string }
    const list = await (await harness.request('/v1/tokens', { token: secret })).text()
    expect(list).toContain(id)
    expect(list).not.toContain(secret)
    expect((await harness.request(`/v1/tokens/${id}`, { method: 'DELETE', token })).status).toBe(204)
    expect((await harness.request('/v1/tokens', { token: secret })).status).toBe(401)
    const audit = await harness.registry.context.identity.listAudit({ subject: id })
    expect(audit.map(({ action }) => action)).toEqual(['token.revoke', 'token.create'])
  })

  it('never creates a token with more permissions than the caller has', async () => {
    expect((await create(await harness.token(['push:acme']), ['push:acme'])).status).toBe(403)
    const token = await harness.token(['push:acme', 'tokens:manage'])
    for (const scopes of [['push:other'], ['push:*'], ['admin:acme'], ['pull:acme', 'admin:*']]) {
      expect((await create(token, scopes)).status).toBe(403)
    }
    expect((await create(await harness.token(['admin:*']), ['push:*', 'admin:acme'])).status).toBe(201)
    expect((await create(undefined, ['pull:acme'])).status).toBe(401)
    expect((await create(token, ['fly:acme'])).status).toBe(400)
  })
})

it('a local server refuses a page whose name was rebound to this machine, which has no token', async () => {
  const harness = await createHarness({ config: { auth: DEFAULT_AUTH } })
  try {
    const { token } = (await (await harness.request('/token?scope=repository:acme/a:pull')).json()) as { token: string }
    for (const names of [{ host: 'evil.test:7600' }, { host: '127.0.0.1', 'x-forwarded-host': 'evil.test' }])
      for (const path of ['/v1/trainers', '/v2/acme/a/tags/list'])
        for (const headers of [names, { ...names, authorization: `Bearer ${token}` }])
          expect([path, (await harness.request(path, { headers })).status]).toEqual([path, 401])
    const headers = { host: 'evil.test:7600', authorization: `Bearer ${await harness.token(['push:acme'])}` }
    expect((await harness.request('/v1/trainers', { headers })).status).toBe(200)
    expect((await harness.request('/v1/trainers', { headers: { host: 'localhost:7600' } })).status).toBe(200)
  } finally {
    await harness.close()
  }
})
