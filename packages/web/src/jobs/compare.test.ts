import { JobValidation } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { artifactsFixture, failedJob, jobFixture, NOW, succeededJob } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'
import { differencesOf } from './compare-page.tsx'

const HOSTILE = '</script><img src=x onerror=alert(1)>'
const jobs = () => [jobFixture({ name: HOSTILE }), failedJob(), succeededJob()]
const fromOurPage = (fields: [string, string][]) => ({
  method: 'POST',
  headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})

describe('comparing jobs', () => {
  test.each(['ids=42&ids=40', 'ids=42,40'])('overlays their curves and lists what differs (%s)', async (query) => {
    const { app } = createTestWeb({ jobs: jobs() })
    const html = await (await app.request(`/jobs/compare?${query}`)).text()
    const chart = /<figure class="chart" data-chart="epoch:train_loss">.*?<\/figure>/s.exec(html)?.[0] ?? ''
    expect(chart.match(/<path class="line line-\d"/g)).toEqual([
      '<path class="line line-0"',
      '<path class="line line-1"',
    ])
    expect(chart).toContain('#40 MNIST nightly')
    expect(html).toContain('All settings, the trainer and the dataset are the same.')
    expect(html).not.toContain(HOSTILE)
  })

  test('shows settings that one of them does not have', () => {
    const [a, b] = [jobFixture(), jobFixture()]
    const other = {
      ...b,
      model: 'tiny-cnn',
      config: { basic: { ...b.config.basic, epochs: 3, seed: 7 }, advanced: {} },
    }
    expect(differencesOf([a, other])).toEqual([
      { name: 'model', values: ['mobilenet-small', 'tiny-cnn'] },
      { name: 'config.epochs', values: ['20', '3'] },
      { name: 'config.label_smoothing', values: ['0.1', undefined] },
      { name: 'config.seed', values: [undefined, '7'] },
    ])
  })

  test('lays values by class and plots of the same name side by side', async () => {
    const validations = [
      JobValidation.parse({
        attempt: 1,
        seq: 1,
        time: NOW.toISOString(),
        primary: { name: 'top1_accuracy', value: 0.5, goal: 'maximize' },
        confusionMatrix: {
          classes: ['cat', HOSTILE],
          counts: [
            [3, 1],
            [0, 4],
          ],
        },
      }),
    ]
    const { app } = createTestWeb({ jobs: jobs(), validations, artifacts: artifactsFixture().artifacts })
    const html = await (await app.request('/jobs/compare?ids=42,40')).text()
    expect(html).toMatch(/<bdi>cat<\/bdi><\/th><td class="number">0\.75<\/td><td class="number">0\.75</)
    expect(html).toContain('<img src="/jobs/42/artifacts/art_plot/picture" alt="#42 confusion-matrix.png"')
    expect(html).toContain('<img src="/jobs/40/artifacts/art_plot/picture" alt="#40 confusion-matrix.png"')
    expect(html).not.toContain(HOSTILE)
  })

  test('names jobs that it does not find, and explains how to choose some', async () => {
    const { app } = createTestWeb({ jobs: jobs() })
    const html = await (await app.request('/jobs/compare?ids=42&ids=77&ids=x&ids=-1&ids=99999999999999999999')).text()
    expect(html).toContain('Not found: #77.')
    expect(html).toContain('Select two or more jobs')
    expect((await app.request('/jobs/compare')).status).toBe(200)
  })
})

describe('acting on several jobs', () => {
  test('asks first, names the jobs, and leaves out those that the action does not fit', async () => {
    const { api, app } = createTestWeb({ jobs: jobs() })
    const html = await (await app.request('/jobs/selected?action=delete&ids=42&ids=41&ids=40')).text()
    expect(html).toContain('Delete 2 jobs?')
    expect(html).toContain('1 selected job has not ended; cancel it first:')
    expect([...html.matchAll(/name="ids" value="(\d+)"/g)].map(([, id]) => id)).toEqual(['41', '40'])
    expect(api.requests.every((request) => request.startsWith('GET'))).toBe(true)
  })

  test('deletes them, and confirms it above the list', async () => {
    const { api, app } = createTestWeb({ jobs: jobs() })
    const response = await app.request(
      '/jobs/selected',
      fromOurPage([
        ['action', 'delete'],
        ['ids', '41'],
        ['ids', '40'],
      ]),
    )
    expect([response.status, response.headers.get('location')]).toEqual([303, '/jobs?done=delete-2'])
    expect(api.jobs.map(({ id }) => id)).toEqual([42])
    expect(await (await app.request('/jobs?done=delete-2')).text()).toContain('2 jobs deleted.')
    expect(await (await app.request('/jobs?done=delete-<b>')).text()).not.toContain('deleted.')
  })

  test('shows what the runner refused, and what was done', async () => {
    const { api, app } = createTestWeb({ jobs: jobs() })
    const response = await app.request(
      '/jobs/selected',
      fromOurPage([
        ['action', 'cancel'],
        ['ids', '42'],
        ['ids', '40'],
      ]),
    )
    expect(response.status).toBe(409)
    expect(await response.text()).toContain('#40: Job 40 has ended already')
    expect(api.jobs[0]?.cancelRequested).toBe(true)
  })

  test.each(['', 'action=steal&ids=42', 'action=delete', 'action=delete&ids=77'])(
    'has nothing to ask for "%s"',
    async (query) => {
      const response = await createTestWeb({ jobs: jobs() }).app.request(`/jobs/selected?${query}`)
      expect([response.status, response.headers.get('location')]).toEqual([303, '/jobs'])
    },
  )

  test('is refused to forms of other sites', async () => {
    const { api, app } = createTestWeb({ jobs: jobs() })
    const form = fromOurPage([
      ['action', 'delete'],
      ['ids', '40'],
    ])
    form.headers['Sec-Fetch-Site'] = 'cross-site'
    expect((await app.request('/jobs/selected', form)).status).toBe(403)
    expect(api.requests).toEqual([])
  })
})

describe('the list of jobs', () => {
  test('passes every filter to the runner, and counts values over the whole result', async () => {
    const facets = {
      state: [{ value: 'failed', count: 1234 }],
      operation: [],
      trainer: [
        { value: 'acme/a', count: 9000 },
        { value: HOSTILE, count: 1 },
      ],
      dataset: [],
    }
    const { api, app } = createTestWeb({ jobs: jobs(), facets })
    const html = await (
      await app.request('/jobs?q=flowers&state=failed&operation=train&sort=oldest&dataset=ds_1')
    ).text()
    const [asked = ''] = api.requests.filter((request) => request.startsWith('GET /v1/jobs?'))
    expect(Object.fromEntries(new URLSearchParams(asked.split('?')[1]))).toEqual({
      q: 'flowers',
      state: 'failed',
      operation: 'train',
      sort: 'oldest',
      dataset: 'ds_1',
      facets: 'true',
      limit: '25',
    })
    expect(html).toContain('<bdi>Failed</bdi> <span class="chip-count">1,234</span>')
    expect(html).toContain(
      'href="/jobs?state=failed&amp;q=flowers&amp;operation=train&amp;dataset=ds_1&amp;sort=oldest&amp;trainer=acme%2Fa"',
    )
    expect(html).not.toContain('<img')
  })
})

test('pages are compressed; streams of events, which a compressor would hold back, are not', async () => {
  const { app } = createTestWeb({ jobs: jobs() })
  const headers = { 'Accept-Encoding': 'gzip, br' }
  const plain = (await (await app.request('/jobs/42')).arrayBuffer()).byteLength
  const page = await app.request('/jobs/42', { headers })
  expect(page.headers.get('content-encoding')).toBe('gzip')
  expect((await page.arrayBuffer()).byteLength).toBeLessThan(plain / 3)
  const asset = /"(\/assets\/job-[^"]+)"/.exec(await (await app.request('/jobs/42')).text())?.[1] ?? ''
  expect((await app.request(asset, { headers })).headers.get('content-encoding')).toBe('gzip')
  const live = await app.request('/jobs/42/live', { headers })
  expect(live.headers.get('content-encoding')).toBeNull()
  await live.body?.cancel()
})
