import type { OwnershipProof } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createTestWeb } from '../testing/web.ts'

const proof: OwnershipProof = {
  id: 'prf_1',
  namespace: 'acme',
  kind: 'dns',
  subject: 'acme.example',
  place: '_trainyard.acme.example',
  value: 'trainyard-owner=acme:0123',
  isVerified: false,
  checkedAt: '2026-11-20T09:30:00.000Z',
  problem: 'the TXT records are: <b>',
  createdAt: '2026-11-20T09:30:00.000Z',
}

function createPage() {
  const web = createTestWeb()
  const { app: api, bodies } = web.api
  const path = '/v1/namespaces/acme/proofs'
  api.get(path, (c) => c.json({ proofs: [proof] }))
  api.post(path, async (c) => {
    bodies.push(await c.req.json())
    return c.json(proof, 201)
  })
  const found = { ...proof, isVerified: true, problem: undefined }
  api.post(`${path}/prf_1/verify`, (c) => c.json(found))
  api.delete(`${path}/prf_1`, (c) => c.body(null, 204))
  const post = (to: string, fields: Record<string, string> = {}) =>
    web.app.request(`/organisations/acme/ownership${to}`, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    })
  return { ...web, post }
}

test('says which record proves a domain, and why it was not found', async () => {
  const html = await (await createPage().app.request('/organisations/acme/ownership')).text()
  for (const text of ['_trainyard.acme.example', 'trainyard-owner=acme:0123', 'Not verified', '&lt;b&gt;'])
    expect(html).toContain(text)
  expect(html).not.toContain('<b>')
})

test('adds a domain or a repository, keeps what was refused, checks and removes', async () => {
  const { post, api } = createPage()
  expect((await post('', { domain: 'acme.example' })).status).toBe(303)
  expect((await post('', { repository: 'github.com/acme/detector' })).status).toBe(303)
  expect(api.bodies).toEqual([
    { kind: 'dns', domain: 'acme.example' },
    { kind: 'repository', repository: 'github.com/acme/detector' },
  ])
  const refused = await post('', { domain: 'not a domain' })
  expect(refused.status).toBe(400)
  const html = await refused.text()
  for (const text of ['must be a domain', 'value="not a domain"']) expect(html).toContain(text)
  expect(await (await post('/prf_1/verify')).text()).toContain('it is verified')
  expect((await post('/prf_1/remove')).headers.get('location')).toBe('/organisations/acme/ownership?done=removed')
})
