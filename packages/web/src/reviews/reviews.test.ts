import { type Review, ReviewList } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createTestWeb } from '../testing/web.ts'

const review: Review = {
  id: 'rev_1',
  trainer: 'acme/yolo',
  version: '1.0.0',
  rating: 4,
  text: '<script>alert(1)</script>',
  author: 'Eve <b>',
  runs: 14,
  createdAt: '2026-11-20T09:30:00.000Z',
  reply: { text: 'Thanks <i>', at: '2026-11-20T09:30:00.000Z' },
  isOwn: false,
}

function createPage(list: Partial<ReviewList> = {}) {
  const web = createTestWeb()
  const { app: api, bodies } = web.api
  const path = '/v1/trainers/acme/yolo/reviews'
  const shown = ReviewList.parse({
    reviews: [review],
    rating: { count: 1, mean: 4, score: 4 },
    counts: [0, 0, 0, 1, 0],
    reviewable: [],
    problem: 'Only those who ran acme/yolo can review it',
    mayReply: false,
    ...list,
  })
  api.get(path, (c) => c.json(shown))
  api.put(`${path}/own`, async (c) => {
    const body = await c.req.json()
    bodies.push(body)
    if (body.text !== 'refused') return c.json(review)
    return c.json({ type: 'about:blank', title: 'Invalid', status: 400, detail: 'text: too short', code: 'x' }, 400)
  })
  api.delete(`${path}/own`, (c) => c.body(null, 204))
  api.put(`${path}/rev_1/reply`, async (c) => {
    bodies.push(await c.req.json())
    return c.json(review)
  })
  for (const end of ['report', 'moderate'])
    api.post(`/v1/reviews/rev_1/${end}`, async (c) => {
      bodies.push(await c.req.json())
      return end === 'report' ? c.body(null, 204) : c.json(review)
    })
  api.get('/v1/reviews/reported', (c) => c.json({ reviews: [{ ...review, reports: ['an <u>advert'] }] }))
  const post = (to: string, fields: Record<string, string> = {}) =>
    web.app.request(to, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    })
  return { ...web, post, get: async (to: string) => await (await web.app.request(to)).text() }
}
const path = '/trainers/acme/yolo/reviews'

test('shows who ran the version how often, and why the viewer cannot write one', async () => {
  const html = await createPage().get(path)
  expect(html).toContain('ran 1.0.0 14 times')
  expect(html).toContain('4 of 5 stars')
  expect(html).toContain('Only those who ran acme/yolo can review it')
  expect(html).toContain('Eve &lt;b&gt;')
  for (const markup of ['<script>alert', 'Eve <b>', 'Thanks <i>']) expect(html).not.toContain(markup)
  expect(html).not.toContain('name="rating"')
})

test('a refused review stays in its form, and an accepted one leads back to the list', async () => {
  const { post, api } = createPage({ reviewable: ['1.0.0', '0.9.0'], problem: undefined })
  const refused = await post(`${path}/own`, { version: '0.9.0', rating: '2', text: 'refused' })
  const html = await refused.text()
  expect(refused.status).toBe(400)
  expect(html).toContain('text: too short')
  expect(html).toMatch(/<option value="0\.9\.0" selected/)
  expect(html).toMatch(/value="2" checked/)
  expect(html).toContain('refused</textarea>')
  const accepted = await post(`${path}/own`, { version: '1.0.0', rating: '5', text: 'fine' })
  expect([accepted.status, accepted.headers.get('location')]).toEqual([303, `${path}?done=saved`])
  expect(api.bodies.at(-1)).toEqual({ version: '1.0.0', rating: 5, text: 'fine' })
})

test('a review of 4,000 Korean characters is not too long for its form', async () => {
  const { post, api } = createPage({ reviewable: ['1.0.0'], problem: undefined })
  const text = '가'.repeat(4000)
  expect((await post(`${path}/own`, { version: '1.0.0', rating: '5', text })).status).toBe(303)
  expect(api.bodies.at(-1)).toMatchObject({ text })
})

test('owners reply, others report, and the author deletes', async () => {
  const { post, api } = createPage({ mayReply: true })
  expect((await post(`${path}/rev_1/reply`, { text: 'Thanks' })).status).toBe(303)
  expect((await post(`${path}/rev_1/report`, { reason: 'an advert' })).status).toBe(303)
  expect(api.bodies).toEqual([{ text: 'Thanks' }, { reason: 'an advert' }])
  expect((await post(`${path}/own/delete`)).headers.get('location')).toBe(`${path}?done=removed`)
})

test('moderators see the reports and decide', async () => {
  const { post, get, api } = createPage()
  expect(await get('/reviews')).toContain('an &lt;u&gt;advert')
  const decided = await post('/reviews/rev_1/moderate', { decision: 'hide', note: 'an advert' })
  expect(decided.headers.get('location')).toBe('/reviews?done=decided')
  await post('/reviews/rev_1/moderate', { decision: 'show' })
  expect(api.bodies).toEqual([{ decision: 'hide', note: 'an advert' }, { decision: 'show' }])
})
