import { ResolvedTrainer, Trainer, TrainerList, type TrainerManifest } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle, trainerManifest } from '../testing/harness.ts'

describe('channels, deprecated and yanked versions', () => {
  let harness: Harness
  let token: string
  const path = '/v1/trainers/acme/yolo'

  beforeAll(async () => {
    harness = await createHarness()
    await harness.registry.start()
    token = await harness.token(['push:acme'])
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '2.0.0-rc.1']) await publish('acme/yolo', version)
    await publish('acme/only', '1.0.0')
  }, 60_000)
  afterAll(() => harness.close())

  async function publish(name: string, version: string, more: Partial<TrainerManifest> = {}) {
    const pushed = await pushBundle(harness, { name, version, token, manifest: trainerManifest(name, version, more) })
    await endOfCheck(harness, token, pushed)
  }
  async function send(method: string, suffix: string, body?: unknown, as: string | undefined = token) {
    const response = await harness.request(`${path}${suffix}`, {
      method,
      token: as,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }
  const get = async (as?: string) => Trainer.parse(await (await harness.request(path, { token: as })).json())
  const resolve = async (range: string) => {
    const response = await harness.request(`${path}/resolve?range=${encodeURIComponent(range)}`)
    return response.ok ? ResolvedTrainer.parse(await response.json()).version : response.status
  }
  async function pull(reference: string) {
    const response = await harness.request(`/v2/acme/yolo/manifests/${reference}`)
    const text = await response.text()
    return { status: response.status, text, warning: response.headers.get('warning') }
  }
  const auditOf = async (subject: string) =>
    (await harness.registry.context.identity.listAudit({ subject })).map(({ action }) => action)

  it('computes latest and next, and sets, moves and removes channels', async () => {
    expect((await get()).channels).toEqual([
      { name: 'latest', version: '1.2.0', isSet: false },
      { name: 'next', version: '2.0.0-rc.1', isSet: false },
    ])
    expect(await resolve('next')).toBe('2.0.0-rc.1')
    for (const version of ['1.0.0', '1.1.0'])
      expect((await send('POST', '/channels', { name: 'stable', version })).status).toBe(204)
    expect([await resolve('stable'), (await pull('stable')).status]).toEqual(['1.1.0', 200])
    expect((await send('POST', '/channels', { name: 'latest', version: '1.1.0' })).status).toBe(204)
    expect([await resolve('latest'), await resolve(''), (await get()).latestVersion]).toEqual([
      '1.1.0',
      '1.1.0',
      '1.1.0',
    ])
    const digest = (await get()).versions.find(({ version }) => version === '1.1.0')?.digest ?? ''
    const latest = await harness.request('/v2/acme/yolo/manifests/latest', { method: 'HEAD' })
    expect(latest.headers.get('docker-content-digest')).toBe(digest)
    for (const name of ['latest', 'stable']) expect((await send('DELETE', `/channels/${name}`)).status).toBe(204)
    expect([await resolve('latest'), await resolve('stable')]).toEqual(['1.2.0', 404])
    expect((await send('DELETE', '/channels/stable')).status).toBe(404)
    expect(await auditOf('acme/yolo:stable')).toEqual(['channel.remove', 'channel.set', 'channel.set'])
  })

  it.each([
    [{ name: 'v2', version: '1.0.0' }, 400],
    [{ name: '1.0.0', version: '1.0.0' }, 400],
    [{ name: 'Stable', version: '1.0.0' }, 400],
    [{ name: 'stable', version: 'latest' }, 400],
    [{ name: 'stable', version: '9.9.9' }, 404],
  ])('refuses the channel %j', async (body, status) => {
    expect((await send('POST', '/channels', body)).status).toBe(status)
  })

  it('warns of a deprecated version wherever it is seen, prefers others, and withdraws the notice', async () => {
    const message = 'Loses the last class; 쓰지 마세요'
    const said = await send('POST', '/versions/1.2.0/deprecate', { message, replacement: '1.1.0' })
    expect(said).toEqual({ status: 204, text: '' })
    const trainer = await get()
    expect(trainer.latestVersion).toBe('1.1.0')
    expect(trainer.versions.find(({ version }) => version === '1.2.0')).toMatchObject({
      state: 'deprecated',
      deprecation: { message, replacement: '1.1.0' },
    })
    expect([await resolve('^1'), await resolve('1.2.0'), await resolve('~1.2')]).toEqual(['1.1.0', '1.2.0', '1.2.0'])
    const pulled = await pull('1.2.0')
    expect(pulled.status).toBe(200)
    expect(pulled.warning).toBe(
      '299 - "acme/yolo:1.2.0 is deprecated: Loses the last class; ? ???; use 1.1.0"'.replace('? ???', '?? ???'),
    )
    expect((await pull('1.1.0')).warning).toBeNull()
    expect((await send('DELETE', '/versions/1.2.0/deprecate')).status).toBe(204)
    expect((await get()).versions[1]).toMatchObject({ version: '1.2.0', state: 'published' })
    expect((await get()).versions[1]?.deprecation).toBeUndefined()
    expect(await resolve('^1')).toBe('1.2.0')
    expect((await send('DELETE', '/versions/1.2.0/deprecate')).status).toBe(409)
    expect(await auditOf('acme/yolo:1.2.0')).toEqual(
      expect.arrayContaining(['version.undeprecate', 'version.deprecate']),
    )
  })

  it('hides a yanked version from ranges, tags, channels and strangers, and goes on serving its digest', async () => {
    const digest = (await get()).versions.find(({ version }) => version === '1.1.0')?.digest ?? ''
    await send('POST', '/channels', { name: 'stable', version: '1.1.0' })
    expect((await send('POST', '/versions/1.1.0/yank', { reason: 'Leaks a key' })).status).toBe(204)
    expect([await resolve('1.1.0'), await resolve('stable'), await resolve('~1.1')]).toEqual([404, 404, 404])
    expect((await get()).versions.map(({ version }) => version)).not.toContain('1.1.0')
    expect((await get(token)).versions.find(({ version }) => version === '1.1.0')).toMatchObject({
      state: 'yanked',
      yankReason: 'Leaks a key',
    })
    expect((await pull('1.1.0')).text).toContain('was yanked by its owner')
    expect((await pull(digest)).status).toBe(200)
    expect((await send('POST', '/channels', { name: 'stable', version: '1.1.0' })).status).toBe(409)
    expect((await send('DELETE', '/versions/1.1.0/yank')).status).toBe(204)
    expect([await resolve('1.1.0'), await resolve('stable')]).toEqual(['1.1.0', '1.1.0'])
  })

  it('removes a trainer from the search when its last version is yanked, and its digest can still be pulled', async () => {
    const only = '/v1/trainers/acme/only'
    const { versions } = Trainer.parse(await (await harness.request(only)).json())
    const found = async () => TrainerList.parse(await (await harness.request('/v1/trainers?q=only')).json()).total
    const call = (method: string, body: string | null = null) =>
      harness.request(`${only}/versions/1.0.0/yank`, {
        method,
        token,
        headers: { 'content-type': 'application/json' },
        body,
      })
    expect(await found()).toBe(1)
    expect((await call('POST', '{"reason":"All of it"}')).status).toBe(204)
    expect([await found(), (await harness.request(only)).status]).toEqual([0, 404])
    const byDigest = await harness.request(`/v2/acme/only/manifests/${versions[0]?.digest}`)
    expect([byDigest.status, (await byDigest.text()).length > 0]).toEqual([200, true])
    expect((await call('DELETE')).status).toBe(204)
    expect(await found()).toBe(1)
  })

  it('is only for those who may push, and tells others nothing', async () => {
    const stranger = await harness.token(['push:other'])
    for (const suffix of ['/versions/1.0.0/yank', '/versions/9.9.9/yank']) {
      expect((await send('POST', suffix, { reason: 'x' }, stranger)).status).toBe(403)
      expect((await harness.request(`${path}${suffix}`, { method: 'DELETE' })).status).toBe(401)
    }
    expect([(await get()).mayChange, (await get(stranger)).mayChange, (await get(token)).mayChange]).toEqual([
      false,
      false,
      true,
    ])
  })
})
