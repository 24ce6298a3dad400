import type { JobSummary } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { failedJob, jobFixture, predictJob, succeededJob } from '../testing/fixtures.ts'
import { createTestWeb } from '../testing/web.ts'
import { bestOf, columnsOf, sortJobs } from './columns.ts'

const HOSTILE = '<img src=x onerror=alert(1)>'

function run(id: number, settings: Record<string, unknown>, metrics: Record<string, number | string>) {
  return jobFixture({
    id,
    name: `run ${id} ${HOSTILE}`,
    config: { basic: {}, advanced: settings },
    latestMetrics: { top1_accuracy: 0.5, ...metrics },
  })
}
const runs = () => [
  run(1, { lr: 0.1, batch: 16, note: HOSTILE }, { top1_accuracy: 0.7, loss: 3 }),
  run(2, { lr: 0.01, batch: 16, note: 'b' }, { top1_accuracy: 0.9, loss: 'NaN' }),
  run(3, { lr: 0.001, batch: 16 }, { top1_accuracy: 0.8 }),
]
const pageOf = async (query = '', jobs = runs()) => {
  const { app, api } = createTestWeb({ jobs })
  const response = await app.request(`/experiments?${query}`)
  expect(response.status).toBe(200)
  return { html: await response.text(), requests: api.requests }
}
const rows = (html: string) => [...html.matchAll(/<a href="\/jobs\/(\d+)">#\d+ <bdi>/g)].map(([, id]) => id)

test('shows trainings with the settings that differ and their metrics, the best one marked', async () => {
  const { html, requests } = await pageOf('', [...runs(), predictJob()])
  expect(requests.some((request) => /operation=train&.*details=true/.test(request))).toBe(true)
  expect(rows(html)).toEqual(['1', '2', '3'])
  expect(html).toMatch(/<a href="\/jobs\/2">[^/]*<\/bdi><\/a><strong> best</)
  expect(html).toContain('<bdi>lr</bdi>')
  expect(html).not.toContain(HOSTILE)
})

test('draws a line for each job through the axes, above them the best one', async () => {
  const { html } = await pageOf()
  const lines = [...html.matchAll(/class="(parallel-line[^"]*)" d="(M[^"]+)"/g)]
  expect(lines.map(([, look]) => look)).toEqual(['parallel-line', 'parallel-line', 'parallel-line best'])
  expect(lines.every(([, , path]) => !path?.includes('NaN'))).toBe(true)
})

test('draws a point for each job that has both values, each of which leads to its job', async () => {
  const { html } = await pageOf('picture=scatter&x=s.lr&y=m.loss')
  expect(html).toContain('Fewer than two jobs have these values as numbers.')
  const both = await pageOf('picture=scatter&x=s.lr&y=m.top1_accuracy')
  expect([...both.html.matchAll(/<a href="\/jobs\/\d+" aria-label="#(\d)/g)].map(([, id]) => id)).toEqual([
    '1',
    '2',
    '3',
  ])
})

test('is sorted by a column, and its links keep the view', async () => {
  const { html } = await pageOf('sort=-m.top1_accuracy&columns=m.top1_accuracy&columns=s.lr&group=trainer')
  expect(rows(html)).toEqual(['2', '3', '1'])
  expect(html).toContain('aria-sort="descending"')
  expect(html).toContain(
    'href="/experiments?group=trainer&amp;picture=parallel&amp;sort=m.top1_accuracy&amp;columns=m.top1_accuracy&amp;columns=s.lr"',
  )
  expect(html).toContain('scope="rowgroup"')
  expect(html).not.toContain('<a href="/experiments?group=trainer&amp;picture=parallel&amp;sort=-s.batch')
})

test('takes nonsense in its address for nothing', async () => {
  const { html } = await pageOf('group=x&picture=y&sort=-none&columns=s.none&x=none&project=%00&cursor=')
  expect(rows(html)).toEqual(['1', '2', '3'])
  expect((await pageOf('', [])).html).toContain('No training matches.')
})

test('jobs without a value are last in both directions, and jobs of several goals have no best one', () => {
  const jobs: JobSummary[] = [failedJob(), succeededJob()].map(({ latestMetrics: _, ...job }, index) => ({
    ...job,
    latestMetrics: index === 0 ? {} : { top1_accuracy: 0.2 },
  }))
  const [column] = columnsOf(jobs)
  if (column === undefined) throw new Error('no column')
  for (const isDescending of [true, false])
    expect(sortJobs(jobs, column, isDescending).map(({ id }) => id)).toEqual([40, 41])
  expect(bestOf(jobs)).toBeUndefined()
  const two = runs()
  const other = run(4, {}, {})
  expect(bestOf(two)?.id).toBe(2)
  expect(bestOf([...two, { ...other, primaryMetric: { name: 'loss', goal: 'minimize' } }])).toBeUndefined()
})
