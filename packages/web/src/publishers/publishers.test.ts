import type { Publisher, PublisherTest } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createTestWeb } from '../testing/web.ts'

const publisher: Publisher = {
  id: 'pub_1',
  trainer: 'acme/new',
  issuer: 'github',
  repository: 'acme/<b>detector</b>',
  workflow: 'release.yml',
  ref: 'refs/tags/v*',
  isPending: true,
  createdAt: '2026-11-20T09:30:00.000Z',
  lastUse: { at: '2026-11-20T09:30:00.000Z', issuer: 'github', ref: 'refs/tags/v1', run: '77' },
  lastRefusal: {
    at: '2026-11-20T09:30:00.000Z',
    reasons: ['the token says repository_id 12, the publisher expects 34'],
  },
}

function createPage(answer: PublisherTest = { ok: true, keys: 2, reasons: [] }) {
  const web = createTestWeb()
  const { app: api } = web.api
  const path = '/v1/trainers/acme/new/publishers'
  api.get('/v1/publishing', (c) => c.json({ audience: 'x', issuers: [{ name: 'github', issuer: 'https://g.test' }] }))
  api.get(path, (c) => c.json({ publishers: [publisher] }))
  api.post(path, async (c) => {
    const body: { workflow?: string } = await c.req.json()
    web.api.bodies.push(body)
    return c.json(publisher, 201)
  })
  api.post(`${path}/pub_1/test`, async (c) => {
    web.api.bodies.push(await c.req.json())
    return c.json(answer)
  })
  api.delete(`${path}/pub_1`, (c) => c.body(null, 204))
  const post = (to: string, fields: Record<string, string>) =>
    web.app.request(`/publishers/acme/new${to}`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    })
  return { ...web, post }
}

test('shows who may publish, the last use and why the last job was refused', async () => {
  const html = await (await createPage().app.request('/publishers/acme/new')).text()
  for (const text of [
    'release.yml',
    'refs/tags/v*',
    'does not exist yet',
    'run 77',
    'repository_id 12',
    'github (https://g.test)',
  ])
    expect(html).toContain(text)
  expect(html).toContain('acme/&lt;b&gt;detector')
  expect(html).not.toContain('<b>')
})

test('adds a publisher with the conditions that are filled in, and keeps the form after a refusal', async () => {
  const { api, post } = createPage()
  const added = await post('', {
    issuer: 'github',
    repository: 'acme/detector',
    workflow: 'release.yml',
    environment: '',
  })
  expect([added.status, added.headers.get('location')]).toEqual([303, '/publishers/acme/new?done=added'])
  expect(api.bodies).toEqual([{ issuer: 'github', repository: 'acme/detector', workflow: 'release.yml' }])
  const refused = await post('', { issuer: 'github', repository: 'acme/detector' })
  expect(refused.status).toBe(400)
  const html = await refused.text()
  expect(html).toContain('at least one of workflow, environment and ref')
  expect(html).toContain('value="acme/detector"')
})

test('tests the connection, or a token', async () => {
  const works = createPage()
  expect(await (await works.post('/pub_1/test', { 'token-pub_1': '' })).text()).toContain('it has 2 keys')
  expect(await (await works.post('/pub_1/test', { 'token-pub_1': 'jwt' })).text()).toContain('may publish')
  expect(works.api.bodies).toEqual([{}, { token: 'jwt' }])
  const fails = createPage({ ok: false, reasons: ['the token says ref x, the publisher expects y'] })
  expect(await (await fails.post('/pub_1/test', { 'token-pub_1': 'jwt' })).text()).toContain('the publisher expects y')
})

test('asks before it removes a publisher', async () => {
  const { app, post } = createPage()
  const html = await (await app.request('/publishers/acme/new')).text()
  expect(html).toMatch(/<dialog id="remove-pub_1".*action="\/publishers\/acme\/new\/pub_1\/remove"/s)
  expect((await post('/pub_1/remove', {})).headers.get('location')).toBe('/publishers/acme/new?done=removed')
})
