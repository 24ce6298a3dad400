import { expect, test } from 'vitest'
import { usageFixture } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'

const report = usageFixture('Ada <b>')

function createPage() {
  const web = createTestWeb()
  web.api.app.get('/v1/usage', (c) =>
    c.req.query('project') === 'no/where'
      ? c.json(
          { code: 'unprocessable', title: 'No', status: 422, detail: 'project must be one of yours', traceId: 'x' },
          422,
        )
      : c.json({ ...report, by: c.req.query('by') ?? 'project' }),
  )
  web.api.app.get('/v1/usage.csv', (c) => c.text('person,name\r\n', 200, { 'content-type': 'text/csv' }))
  return web
}

test('shows who used what, and what it costs, with a link to the same as CSV', async () => {
  const { app, api } = createPage()
  const html = await (await app.request('/usage?by=person&from=2026-11-01&to=&project=')).text()
  expect(api.requests).toContain('GET /v1/usage?by=person&from=2026-11-01')
  for (const text of ['Ada &lt;b&gt;', 'Cost, EUR', '1,234.50', 'GPU hours', '>2<', '>1.5<', '>none<'])
    expect(html).toContain(text)
  const link = /href="(\/usage\.csv[^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  expect(link).toBe('/usage.csv?by=person&from=2026-11-01&to=2026-11-20')
  const file = await app.request(link)
  expect(file.headers.get('content-type')).toContain('text/csv')
  expect(await file.text()).toBe('person,name\r\n')
})

test('keeps the form when the server refuses it, with the reason', async () => {
  const { app } = createPage()
  const response = await app.request('/usage?by=trainer&project=no%2Fwhere')
  expect(response.status).toBe(422)
  const html = await response.text()
  expect(html).toContain('project must be one of yours')
  expect(html).toContain('value="no/where"')
  expect((await app.request('/usage?by=colour&from=x')).status).toBe(200)
})
