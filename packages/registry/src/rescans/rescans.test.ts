import type { Check, RescanStatus, TrainerVersion, WebhookDeliveryList, WebhookSecret } from '@trainyard/contract'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RegistryConfig } from '../config.ts'
import { type FakeClamd, startFakeClamd } from '../testing/fake-clamd.ts'
import { createHarness, endOfCheck, type Harness, pushImage, resultOf, trainerManifest } from '../testing/harness.ts'
import { startSignUp } from '../testing/people.ts'
import { claimScan } from './claim-scan.ts'
import { queueWhenChanged } from './queue-scans.ts'

/** A clamd whose database knows these words, of a day in 2099. */
const clamdOf = (day: number, ...words: string[]) =>
  startFakeClamd((text) => {
    const word = words.find((known) => text.includes(known))
    return word === undefined ? 'stream: OK' : `stream: ${word} FOUND`
  }, `ClamAV 1.4.2/27500/Thu Jan ${day} 08:15:00 2099`)

describe('a published version', () => {
  const scanners: FakeClamd[] = []
  const harnesses: Harness[] = []
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.close()
    for (const scanner of scanners.splice(0)) await scanner.close()
  })
  async function start(config: Partial<RegistryConfig> = {}) {
    const clamd = await clamdOf(1)
    scanners.push(clamd)
    const harness = await createHarness({
      config: { scanners: { clamd: clamd.address }, rescanSeconds: 0.1, ...config },
    })
    harnesses.push(harness)
    await harness.registry.start()
    const token = await harness.token(['admin:acme'])
    const push = async (name: string, body: string) => {
      const manifest = { name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) }
      const layers = [[{ name: 'app/tool', body }, manifest]]
      const pushed = await pushImage(harness, { name, version: '1.0.0', token, layers })
      expect((await endOfCheck(harness, token, pushed)).state).toBe('published')
      return pushed.headers.get('trainyard-check') ?? ''
    }
    const json = async <T>(path: string) => (await (await harness.request(path, { token })).json()) as T
    return {
      harness,
      clamd,
      token,
      push,
      json,
      malwareOf: async (id: string) => resultOf(await json<Check>(`/v1/checks/${id}`), 'malware'),
      trustOf: async (name: string) => (await json<TrainerVersion>(`/v1/trainers/${name}/versions/1.0.0`)).trust,
      /** The operator's clamd gets another database. */
      async update(day: number, ...words: string[]) {
        const next = await clamdOf(day, ...words)
        scanners.push(next)
        Object.assign(harness.config.scanners ?? {}, { clamd: next.address })
        return next
      },
    }
  }
  const soon = <T>(work: () => Promise<T>) => vi.waitFor(work, { timeout: 30_000, interval: 50 })

  it('is scanned again when the database changes, and its owner learns what is new: check, feed, webhook, audit', async () => {
    const { harness, token, push, json, malwareOf, trustOf, update } = await start()
    const hook = await harness.request('/v1/namespaces/acme/webhooks', {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: 'https://acme.test/', events: ['version.finding'] }),
    })
    const { webhook } = (await hook.json()) as WebhookSecret
    const id = await push('acme/tool', 'a worm that is not known yet')
    await push('acme/good', 'nothing')
    const trust = await trustOf('acme/tool')
    await update(2, 'worm')
    const result = await soon(async () => {
      const found = await malwareOf(id)
      expect(found.rescannedAt).toBeDefined()
      return found
    })
    expect(result).toMatchObject({
      status: 'failed',
      scanner: { database: expect.stringContaining('2099-01-02') },
      findings: [{ code: 'TY391', file: '/app/tool', message: 'malware: worm' }],
    })
    // The operator's default: it is shown, and the version stays what it was.
    expect((await json<Check>(`/v1/checks/${id}`)).state).toBe('published')
    expect(await trustOf('acme/tool')).toEqual(trust)
    const { deliveries } = await json<WebhookDeliveryList>(`/v1/namespaces/acme/webhooks/${webhook.id}/deliveries`)
    expect(deliveries.map(({ event }) => event.data)).toEqual([
      expect.objectContaining({
        trainer: 'acme/tool',
        version: '1.0.0',
        check: 'malware',
        checkId: id,
        findingCount: 1,
        findings: [{ code: 'TY391', severity: 'error', message: 'malware: worm' }],
      }),
    ])
    const feed = await (await harness.request('/v1/trainers/acme/tool/feed')).text()
    expect(feed).toContain('acme/tool 1.0.0: found after it was published')
    expect(feed).toContain('malware: worm')
    const audit = await sql<{ subject: string }>`
      select subject from ${sql.id(harness.registry.context.identity.schema, 'audit')} where action = 'version.rescan'
    `.execute(harness.registry.context.database.db)
    expect(audit.rows).toEqual([{ subject: 'acme/tool:1.0.0' }])

    // The next database knows the same: nothing is new. The one after it does not call it malware any more.
    await update(3, 'worm')
    await soon(async () => expect((await malwareOf(id)).scanner?.database).toContain('2099-01-03'))
    await update(4)
    await soon(async () => expect(await malwareOf(id)).toMatchObject({ status: 'passed', findings: [] }))
    const after = await json<WebhookDeliveryList>(`/v1/namespaces/acme/webhooks/${webhook.id}/deliveries`)
    expect(after.deliveries).toHaveLength(1)
    expect(await (await harness.request('/v1/trainers/acme/tool/feed')).text()).not.toContain('found after')
  })

  it.each([
    ['lower', 'checked_in_part', 200],
    ['refuse', 'unchecked', 403],
  ] as const)('with the policy "%s" is then %s, and its bytes stay', async (rescanPolicy, tier, status) => {
    const { harness, push, trustOf, update, malwareOf } = await start({ rescanPolicy })
    const id = await push('acme/tool', 'a worm')
    const digest = async () => (await harness.request('/v2/acme/tool/manifests/1.0.0')).status
    expect([(await trustOf('acme/tool'))?.tier, await digest()]).toEqual(['checked_in_part', 200])
    await update(2, 'worm')
    await soon(async () => expect((await malwareOf(id)).status).toBe('failed'))
    const trust = await trustOf('acme/tool')
    expect(trust?.tier).toBe(tier)
    expect(trust?.skipped).toContainEqual({
      check: 'malware',
      reason: 'after it was published, it found: malware: worm',
    })
    expect(await digest()).toBe(status)
    await update(3)
    await soon(async () => expect((await malwareOf(id)).status).toBe('passed'))
    expect([(await trustOf('acme/tool'))?.tier, await digest()]).toEqual(['checked_in_part', 200])
  })

  it('is scanned within the budget of the hour, latest and most pulled versions first', async () => {
    const { harness, push, update } = await start({ rescansPerHour: 2 })
    for (const name of ['few', 'many', 'rare']) await push(`acme/${name}`, name)
    const { db } = harness.registry.context.database
    for (const [name, pulls] of [
      ['acme/few', 5],
      ['acme/many', 50],
    ] as const)
      await db.updateTable('repositories').set({ pulls }).where('name', '=', name).execute()
    const clamd = await update(2)
    await soon(async () => expect(clamd.received.filter((text) => /^(few|many|rare)$/.test(text))).toHaveLength(2))
    expect(clamd.received.filter((text) => /^(few|many|rare)$/.test(text))).toEqual(['many', 'few'])
    expect(await claimScan(harness.registry.context, ['malware'])).toBeUndefined()
  })

  it('waits when the scanner does not answer, and keeps its result', async () => {
    const { harness, push, malwareOf } = await start()
    const id = await push('acme/tool', 'a worm')
    const broken = await startFakeClamd(() => undefined, 'ClamAV 1.4.2/27500/Thu Jan 2 08:15:00 2099')
    scanners.push(broken)
    Object.assign(harness.config.scanners ?? {}, { clamd: broken.address })
    const { db } = harness.registry.context.database
    await soon(async () =>
      expect(await db.selectFrom('part_scans').selectAll().execute()).toMatchObject([
        { due: true, lease: null, tries: 1 },
      ]),
    )
    expect((await malwareOf(id)).status).toBe('passed')
  })

  it('is queued by one process, and claimed by one', async () => {
    const { harness, push } = await start({ rescanSeconds: 3600 })
    await push('acme/tool', 'x')
    const { context } = harness.registry
    const scanner = { name: 'ClamAV', version: '1.4.2', database: '2099-01-05T00:00:00.000Z' }
    const queued = await Promise.all(Array.from({ length: 4 }, () => queueWhenChanged(context, 'malware', scanner)))
    expect(queued.filter(Boolean)).toHaveLength(1)
    const claims = await Promise.all(Array.from({ length: 4 }, () => claimScan(context, ['malware'])))
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
  })
})

describe('an operator', () => {
  let harness: Harness
  let clamd: FakeClamd
  beforeAll(async () => {
    clamd = await clamdOf(1)
    harness = await createHarness({
      config: {
        scanners: { clamd: clamd.address },
        rescanSeconds: 3600,
        auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true },
      },
    })
    await harness.registry.start()
  })
  afterAll(async () => {
    await harness.close()
    await clamd.close()
  })

  it('has everything scanned again by hand, with the same database, and sees how far it is', async () => {
    const send = (method: string, path: string, token?: string, body?: unknown) =>
      harness.request(path, {
        method,
        token,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      })
    const { secret } = await (await startSignUp(harness))('operator@trainyard.test')
    const token = await harness.token(['push:acme'])
    const name = 'acme/tool'
    const layers = [
      [
        { name: 'app/tool', body: 'the tool' },
        { name: 'trainer.json', body: JSON.stringify(trainerManifest(name, '1.0.0')) },
      ],
    ]
    await endOfCheck(harness, token, await pushImage(harness, { name, version: '1.0.0', token, layers }))
    const scans = () => clamd.received.filter((text) => text === 'the tool').length
    expect(scans()).toBe(1)
    expect((await send('POST', '/v1/rescans', token, {})).status).toBe(403)
    expect((await send('GET', '/v1/rescans', token)).status).toBe(403)
    const started = await send('POST', '/v1/rescans', secret, { check: 'malware' })
    expect(started.status).toBe(202)
    await vi.waitFor(
      async () => {
        const { scanners } = (await (await send('GET', '/v1/rescans', secret)).json()) as RescanStatus
        expect(scanners[0]).toMatchObject({ check: 'malware', waiting: 0, lastHour: 1, found: 0 })
        expect(scanners[0]?.scanner?.name).toBe('ClamAV')
        expect(scanners[1]).toMatchObject({ check: 'vulnerabilities', reason: expect.stringContaining('no ') })
      },
      { timeout: 30_000, interval: 50 },
    )
    expect(scans()).toBe(2)
  })
})
