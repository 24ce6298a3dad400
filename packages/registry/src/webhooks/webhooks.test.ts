import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Webhook, WebhookDelivery, WebhookDeliveryList, WebhookList, WebhookSecret } from '@trainyard/contract'
import { AddressList, systemClock } from '@trainyard/platform'
import { sql } from 'kysely'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHarness, endOfCheck, type Harness, pushBundle } from '../testing/harness.ts'
import { claimDelivery } from './claim-delivery.ts'
import { pruneDeliveries } from './prune-deliveries.ts'
import { recordTry } from './record-try.ts'

interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** An address that keeps what it receives. The path /hang gets no answer; others get `status`. */
async function startReceiver() {
  const received: Received[] = []
  const state = { status: 204, url: '' }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ path: request.url ?? '', headers: request.headers, body })
    if (request.url === '/hang') return
    response.writeHead(state.status, { location: '/elsewhere' }).end(state.status === 204 ? undefined : 'the answer')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return Object.assign(state, { received, close })
}

/** Verifies as a receiver does, with the library of Standard Webhooks. */
const verify = (secret: string, { headers, body }: Received) =>
  new Verifier(secret).verify(body, headers as Record<string, string>)

describe('a webhook', () => {
  let harness: Harness
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let admin: string
  let aheadMs = 0
  beforeAll(async () => {
    receiver = await startReceiver()
    harness = await createHarness({
      clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
      config: { outboundAllow: new AddressList(['127.0.0.1']) },
    })
    await harness.registry.start()
    admin = await harness.token(['admin:*'])
  })
  afterAll(async () => {
    await harness.close()
    await receiver.close()
  })
  beforeEach(() => {
    receiver.status = 204
    aheadMs = 0
  })

  const db = () => harness.registry.context.database.db
  const send = (method: string, path: string, body?: unknown, token = admin) =>
    harness.request(`/v1/namespaces/${path}`, {
      method,
      token,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  async function create(namespace: string, more: object = {}): Promise<WebhookSecret> {
    const response = await send('POST', `${namespace}/webhooks`, { url: `${receiver.url}/hook`, ...more })
    expect([response.status, response.ok ? '' : await response.text()]).toEqual([201, ''])
    return (await response.json()) as WebhookSecret
  }
  const pathOf = ({ namespace, id }: Webhook) => `${namespace}/webhooks/${id}`
  async function test(webhook: Webhook): Promise<string> {
    const response = await send('POST', `${pathOf(webhook)}/test`)
    expect(response.status).toBe(202)
    return ((await response.json()) as WebhookDelivery).id
  }
  const deliveriesOf = async (webhook: Webhook) =>
    ((await (await send('GET', `${pathOf(webhook)}/deliveries`)).json()) as WebhookDeliveryList).deliveries
  const receivedAs = (id: string) => receiver.received.filter(({ headers }) => headers['webhook-id'] === id)
  async function waitFor(webhook: Webhook, id: string, expected: Partial<WebhookDelivery>): Promise<WebhookDelivery> {
    return await vi.waitFor(
      async () => {
        const found = (await deliveriesOf(webhook)).find((one) => one.id === id)
        expect(found).toMatchObject(expected)
        return found as WebhookDelivery
      },
      { timeout: 30_000, interval: 50 },
    )
  }
  const due = (id: string) => sql`update webhook_deliveries set next_try_at = now() where id = ${id}`.execute(db())
  const disabledReason = async (webhook: Webhook) => {
    const { webhooks } = (await (await send('GET', `${webhook.namespace}/webhooks`)).json()) as WebhookList
    return webhooks.find(({ id }) => id === webhook.id)?.disabledReason
  }

  it('is notified of every step of a version, each with a signature that a library of Standard Webhooks verifies', async () => {
    const { webhook, secret } = await create('told')
    const pushed = await pushBundle(harness, { name: 'told/birch', version: '1.0.0', token: admin })
    await endOfCheck(harness, admin, pushed)
    const version = '/v1/trainers/told/birch/versions/1.0.0'
    const post = (path: string, body: unknown) =>
      harness.request(`${version}/${path}`, {
        method: 'POST',
        token: admin,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    await post('deprecate', { message: 'old', replacement: 'told/oak' })
    await post('yank', { reason: 'broken' })
    await harness.request(`${version}/yank`, { method: 'DELETE', token: admin })
    const deliveries = await vi.waitFor(
      async () => {
        const all = await deliveriesOf(webhook)
        expect(all.map(({ state }) => state)).toEqual(Array(5).fill('delivered'))
        return all
      },
      { timeout: 30_000, interval: 50 },
    )
    const named = { trainer: 'told/birch', version: '1.0.0' }
    const checkId = pushed.headers.get('trainyard-check')
    expect(deliveries.map(({ event: { type, data } }) => [type, data]).reverse()).toEqual([
      ['version.pushed', expect.objectContaining({ ...named, kind: 'bundle', checkId })],
      ['version.published', expect.objectContaining({ ...named, kind: 'bundle', checkId })],
      ['version.deprecated', { ...named, reason: 'old', replacement: 'told/oak' }],
      ['version.yanked', { ...named, reason: 'broken' }],
      ['version.restored', named],
    ])
    for (const { id, event, lastTry } of deliveries) {
      const [request] = receivedAs(id)
      if (request === undefined) throw new Error('nothing was received')
      expect(verify(secret, request)).toEqual(event)
      expect(lastTry).toMatchObject({ status: 204, headers: { 'webhook-id': id } })
      expect(() => verify('whsec_AAAA', request)).toThrow()
    }
    // The secret is shown once.
    expect(await (await send('GET', 'told/webhooks')).text()).not.toContain(secret)
  })

  it('is notified why a version was rejected, and only of what it asked for', async () => {
    const { webhook } = await create('strict', { events: ['version.rejected'] })
    const { webhook: other } = await create('another')
    const options = { token: admin, version: '1.0.0' }
    await endOfCheck(harness, admin, await pushBundle(harness, { ...options, name: 'strict/good' }))
    const bad = { manifest: { name: 'strict/other' } }
    await endOfCheck(harness, admin, await pushBundle(harness, { ...options, ...bad, name: 'strict/bad' }))
    const deliveries = await deliveriesOf(webhook)
    expect(deliveries.map(({ event }) => [event.type, event.data.trainer])).toEqual([
      ['version.rejected', 'strict/bad'],
    ])
    expect(deliveries[0]?.event.data.reason).toContain('manifest')
    expect(await deliveriesOf(other)).toEqual([])
  })

  it('is tried again after pauses until it answers, and can be replayed with the same id', async () => {
    const { webhook } = await create('flaky')
    receiver.status = 302
    const id = await test(webhook)
    const first = await waitFor(webhook, id, { state: 'waiting', tries: 1, lastTry: expect.anything() })
    expect(first.lastTry).toMatchObject({ status: 302, answer: 'the answer', error: 'the address answered 302' })
    const pauseMs = Date.parse(first.nextTryAt ?? '') - Date.parse(first.lastTry?.at ?? '')
    expect(pauseMs).toBeGreaterThan(4000)
    receiver.status = 500
    await due(id)
    await waitFor(webhook, id, { state: 'waiting', tries: 2, lastTry: expect.objectContaining({ status: 500 }) })
    receiver.status = 200
    await due(id)
    await waitFor(webhook, id, { state: 'delivered', tries: 3 })
    expect((await send('POST', `${pathOf(webhook)}/deliveries/${id}/replay`)).status).toBe(202)
    await vi.waitFor(() => expect(receivedAs(id)).toHaveLength(4), { timeout: 30_000, interval: 50 })
    expect(new Set(receivedAs(id).map(({ body }) => body)).size).toBe(1)
    expect(receivedAs(id).map(({ path }) => path)).toEqual(Array(4).fill('/hook'))
  })

  it('signs with both secrets for a day after a rotation, and then with the new one only', async () => {
    const { webhook, secret: old } = await create('rotated')
    const rotated = (await (await send('POST', `${pathOf(webhook)}/rotate`)).json()) as WebhookSecret
    const received = async () => {
      const id = await test(webhook)
      await waitFor(webhook, id, { state: 'delivered' })
      return receivedAs(id)[0] as Received
    }
    const both = await received()
    for (const secret of [rotated.secret, old]) verify(secret, both)
    aheadMs = 25 * 3_600_000
    const one = await received()
    expect(String(one.headers['webhook-signature']).split(' ')).toHaveLength(1)
  })

  it('ends when the address is gone or failed for days, and starts again when a test succeeds', async () => {
    const { webhook } = await create('gone')
    receiver.status = 410
    await waitFor(webhook, await test(webhook), { state: 'failed' })
    expect(await disabledReason(webhook)).toContain('410')
    const count = (await deliveriesOf(webhook)).length
    await endOfCheck(harness, admin, await pushBundle(harness, { name: 'gone/a', version: '1.0.0', token: admin }))
    expect(await deliveriesOf(webhook)).toHaveLength(count)
    const [last] = await deliveriesOf(webhook)
    expect((await send('POST', `${pathOf(webhook)}/deliveries/${last?.id}/replay`)).status).toBe(409)
    receiver.status = 204
    await waitFor(webhook, await test(webhook), { state: 'delivered' })
    expect(await disabledReason(webhook)).toBeUndefined()

    receiver.status = 500
    const id = await test(webhook)
    await waitFor(webhook, id, { tries: 1, lastTry: expect.anything() })
    expect(await disabledReason(webhook)).toBeUndefined()
    aheadMs = 6 * 86_400_000
    await due(id)
    await vi.waitFor(async () => expect(await disabledReason(webhook)).toMatch(/^no delivery succeeded since/), {
      timeout: 30_000,
      interval: 50,
    })
  })

  it.each(['http://127.0.0.2/', 'https://[::1]/', 'https://169.254.169.254/latest/meta-data', 'http://192.168.0.1/'])(
    'never reaches %s',
    async (url) => {
      const { webhook } = await create('inside', { url })
      const id = await test(webhook)
      const { lastTry } = await waitFor(webhook, id, { tries: 1, lastTry: expect.anything() })
      expect(lastTry?.error).toContain('not an https address on the public internet')
      expect((await send('DELETE', pathOf(webhook))).status).toBe(204)
    },
  )

  it.each([
    [{ url: 'ftp://acme.test/' }, 'https://'],
    [{ url: 'https://user:password@acme.test/' }, 'must have no user name'],
    [{ url: 'https://acme.test/', events: [] }, 'events'],
    [{ url: 'https://acme.test/', events: ['version.sold'] }, 'events'],
    [{ url: 'https://acme.test/', secret: 'mine' }, 'secret'],
  ])('%j is refused', async (body, words) => {
    const response = await send('POST', 'told/webhooks', body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(words)
  })

  it('is one of at most 20, also when they are created together', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => send('POST', 'many/webhooks', { url: `${receiver.url}/hook` })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5)
  })

  it('that does not answer delays no other namespace, and cannot be used to flood an address', async () => {
    const { webhook: slow } = await create('slow', { url: `${receiver.url}/hang` })
    for (let count = 0; count < 20; count++) await test(slow)
    expect((await send('POST', `${pathOf(slow)}/test`)).status).toBe(409)
    const { webhook: quick } = await create('quick')
    await waitFor(quick, await test(quick), { state: 'delivered' })
    expect(receiver.received.filter(({ path }) => path === '/hang')).toHaveLength(1)
    await send('DELETE', pathOf(slow))
  })

  it('belongs to the administrators of its namespace', async () => {
    const { webhook } = await create('owned')
    for (const token of [await harness.token(['push:owned']), await harness.token(['admin:other'])])
      for (const [method, path] of [
        ['GET', 'owned/webhooks'],
        ['GET', `${pathOf(webhook)}/deliveries`],
        ['POST', `${pathOf(webhook)}/test`],
        ['POST', `${pathOf(webhook)}/rotate`],
        ['DELETE', pathOf(webhook)],
      ] as const)
        expect((await send(method, path, undefined, token)).status).toBe(403)
    const other = await harness.token(['admin:other'])
    expect((await send('DELETE', `other/webhooks/${webhook.id}`, undefined, other)).status).toBe(404)
  })
})

describe('a delivery', () => {
  let harness: Harness
  const context = () => harness.registry.context
  beforeAll(async () => {
    // It is not started, so that nothing else claims deliveries.
    harness = await createHarness()
    const token = await harness.token(['admin:*'])
    const request = { method: 'POST', token, headers: { 'content-type': 'application/json' } }
    const body = JSON.stringify({ url: 'https://acme.test/' })
    const created = await harness.request('/v1/namespaces/acme/webhooks', { ...request, body })
    const { webhook } = (await created.json()) as WebhookSecret
    await harness.request(`/v1/namespaces/acme/webhooks/${webhook.id}/test`, request)
  })
  afterAll(() => harness.close())

  const stored = async () =>
    await context().database.db.selectFrom('webhook_deliveries').selectAll().executeTakeFirstOrThrow()
  const result = { at: new Date().toISOString(), durationMs: 1, url: 'https://acme.test/', headers: {} }

  it('is audited with the host of its webhook beside the id', async () => {
    const { identity, database } = context()
    const { rows } = await sql`
      select action, subject_name from ${sql.id(identity.schema, 'audit')} where subject like 'whk_%' order by id`.execute(
      database.db,
    )
    expect(rows).toEqual([
      { action: 'webhook.create', subject_name: 'acme.test' },
      { action: 'webhook.test', subject_name: 'acme.test' },
    ])
  })

  it('is claimed by one process, and by another when that one died', async () => {
    const claims = await Promise.all(Array.from({ length: 4 }, () => claimDelivery(context(), [])))
    const [first] = claims.filter((claim) => claim !== undefined)
    if (first === undefined) throw new Error('no process claimed the delivery')
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
    await sql`update webhook_deliveries set next_try_at = now()`.execute(context().database.db)
    const second = await claimDelivery(context(), [])
    if (second === undefined) throw new Error('the delivery was not taken over')
    // The first process was only slow: its result is not that of the last try.
    await recordTry(context(), first, { ...result, error: 'late' })
    expect(await stored()).toMatchObject({ state: 'waiting', last_try: null, tries: 2 })
    await recordTry(context(), second, { ...result, status: 200 })
    expect(await stored()).toMatchObject({ state: 'delivered', tries: 2 })
  })

  it('is removed after 30 days', async () => {
    expect(await pruneDeliveries(context())).toBe(0)
    const { db } = context().database
    await sql`update webhook_deliveries set created_at = now() - interval '31 days'`.execute(db)
    expect(await pruneDeliveries(context())).toBe(1)
  })
})
