import type { Webhook, WebhookDelivery } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createTestWeb } from '../testing/web.ts'

const webhook: Webhook = {
  id: 'whk_1',
  namespace: 'acme',
  url: 'https://ci.acme.test/hooks/<b>',
  events: ['version.published'],
  createdAt: '2026-11-20T09:30:00.000Z',
  failingSince: '2026-11-20T09:30:00.000Z',
  disabledReason: 'the address answered 410 Gone',
}
const delivery: WebhookDelivery = {
  id: 'msg_1',
  type: 'version.published',
  state: 'failed',
  tries: 8,
  createdAt: '2026-11-20T09:30:00.000Z',
  event: {
    type: 'version.published',
    timestamp: '2026-11-20T09:30:00.000Z',
    data: { trainer: 'acme/yolo', version: '1.0.0', kind: 'bundle' },
  },
  lastTry: {
    at: '2026-11-20T09:30:00.000Z',
    durationMs: 12,
    url: webhook.url,
    headers: { 'webhook-id': 'msg_1' },
    status: 410,
    answer: '<script>alert(1)</script>',
    error: 'the address answered 410',
  },
}

function createPage() {
  const web = createTestWeb()
  const { app: api, bodies } = web.api
  const path = '/v1/namespaces/acme/webhooks'
  api.get(path, (c) => c.json({ webhooks: [webhook] }))
  api.post(path, async (c) => {
    bodies.push(await c.req.json())
    return c.json({ webhook, secret: 'whsec_made' }, 201)
  })
  api.post(`${path}/whk_1/rotate`, (c) => c.json({ webhook, secret: 'whsec_rotated' }))
  api.post(`${path}/whk_1/test`, (c) => c.json(delivery, 202))
  api.get(`${path}/whk_1/deliveries`, (c) => c.json({ deliveries: [delivery] }))
  api.post(`${path}/whk_1/deliveries/msg_1/replay`, (c) => c.json(delivery, 202))
  api.delete(`${path}/whk_1`, (c) => c.body(null, 204))
  const post = (to: string, fields: string[][] = []) =>
    web.app.request(`/organisations/acme/webhooks${to}`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    })
  return { ...web, post }
}

test('shows the addresses, what they are sent, and why nothing is sent any more', async () => {
  const html = await (await createPage().app.request('/organisations/acme/webhooks')).text()
  for (const text of ['hooks/&lt;b&gt;', 'version.published', '410 Gone', 'Add an address'])
    expect(html).toContain(text)
  expect(html).not.toContain('<b>')
})

test('shows a new secret once, in the answer to the form', async () => {
  const { post, api } = createPage()
  const fields = [
    ['url', 'https://ci.acme.test/'],
    ['description', ''],
    ['events', 'version.rejected'],
    ['events', 'version.published'],
  ]
  const created = await post('', fields)
  expect([created.status, created.headers.get('cache-control')]).toEqual([201, 'no-store'])
  expect(await created.text()).toContain('whsec_made')
  await post('', fields.slice(0, 1))
  expect(api.bodies).toEqual([
    { url: 'https://ci.acme.test/', events: ['version.rejected', 'version.published'] },
    { url: 'https://ci.acme.test/' },
  ])
  expect(await (await post('/whk_1/rotate')).text()).toContain('whsec_rotated')
})

test('keeps what was typed when an address is refused', async () => {
  const { post, api } = createPage()
  const answer = await post('', [
    ['url', 'ftp://x'],
    ['description', 'the chat'],
    ['events', 'version.yanked'],
  ])
  expect([answer.status, api.bodies]).toEqual([400, []])
  const html = await answer.text()
  for (const text of ['must be an address that begins with https://', 'value="ftp://x"', 'value="the chat"'])
    expect(html).toContain(text)
  expect(html).toMatch(/value="version.yanked" checked/)
})

test('shows deliveries with request and answer, as text, and sends them again', async () => {
  const { app, post } = createPage()
  const html = await (await app.request('/organisations/acme/webhooks/whk_1')).text()
  for (const text of ['acme/yolo 1.0.0', 'webhook-id: msg_1', '&lt;script&gt;', 'the address answered 410'])
    expect(html).toContain(text)
  expect(html).not.toContain('<script>alert')
  const replayed = await post('/whk_1/deliveries/msg_1/replay')
  expect([replayed.status, replayed.headers.get('location')]).toEqual([
    303,
    '/organisations/acme/webhooks/whk_1?done=replay',
  ])
  const tested = await post('/whk_1/test')
  expect(tested.headers.get('location')).toBe('/organisations/acme/webhooks/whk_1?done=test')
  expect((await post('/whk_1/remove')).headers.get('location')).toBe('/organisations/acme/webhooks?done=removed')
  expect((await app.request('/organisations/acme/webhooks/whk_2')).status).toBe(404)
})
