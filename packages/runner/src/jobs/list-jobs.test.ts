import { JobList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'

describe('the list of jobs', () => {
  let harness: Harness
  const ids: number[] = []
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    for (const name of ['run_1', 'run11', '50% of the data', 'Ärger 사과'])
      ids.push((await harness.createJob({ name })).id)
    await harness.request(`/v1/jobs/${ids[0]}/cancel`, { method: 'POST' })
  })
  afterAll(() => harness.close())
  const list = async (query: Record<string, string>) => {
    const response = await harness.request(`/v1/jobs?${new URLSearchParams(query)}`)
    expect(response.status).toBe(200)
    return JobList.parse(await response.json())
  }
  const names = async (query: Record<string, string>) => (await list(query)).jobs.map(({ name }) => name)

  it('finds text in names, taking no sign for a wildcard, and ignoring case', async () => {
    expect(await names({ q: 'run_1' })).toEqual(['run_1'])
    expect(await names({ q: '50%' })).toEqual(['50% of the data'])
    expect(await names({ q: 'ÄRGER' })).toEqual(['Ärger 사과'])
    expect(await names({ q: '\\' })).toEqual([])
    expect(await names({ q: "' or true --" })).toEqual([])
  })

  it('finds jobs by number, trainer, model and dataset', async () => {
    expect(await names({ q: `#${ids[1]}` })).toEqual(['run11'])
    for (const q of ['acme/pl', 'tiny', 'shapes']) expect((await list({ q })).jobs, q).toHaveLength(4)
  })

  it('counts values over the whole result, not over the page, and each without its own filter', async () => {
    const { jobs, facets } = await list({ limit: '1', facets: 'true', state: 'cancelled' })
    expect(jobs).toHaveLength(1)
    expect(facets).toEqual({
      state: [
        { value: 'queued', count: 3 },
        { value: 'cancelled', count: 1 },
      ],
      operation: [{ value: 'train', count: 1 }],
      trainer: [{ value: 'acme/plain', count: 1 }],
      dataset: [{ value: harness.datasetId, count: 1 }],
    })
    expect(await list({ limit: '1' })).not.toHaveProperty('facets')
  })

  it('has the settings that fit a table and all latest metrics when it is asked for them', async () => {
    const { db } = harness.runner.context.database
    const [id = 0] = ids
    const before = await db
      .selectFrom('jobs')
      .select(['config', 'latest_metrics'])
      .where('id', '=', id)
      .executeTakeFirst()
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`z${index}`, index]))
    const config = {
      basic: { epochs: 3 },
      advanced: { a: 'x'.repeat(101), b: 'short', c: true, d: [1], e: null, ...many },
    }
    const latest = { accuracy: 0.5, loss: 2 }
    await db
      .updateTable('jobs')
      .set({ config: JSON.stringify(config), latest_metrics: JSON.stringify(latest) })
      .where('id', '=', id)
      .execute()
    const found = (await list({ q: `#${id}`, details: 'true' })).jobs[0]
    expect(found?.settings).toMatchObject({ epochs: 3, b: 'short', c: true })
    expect(Object.keys(found?.settings ?? {})).toHaveLength(40)
    for (const name of ['a', 'd', 'e']) expect(found?.settings).not.toHaveProperty(name)
    expect(found?.latestMetrics).toEqual(latest)
    expect((await list({ q: `#${id}` })).jobs[0]).not.toHaveProperty('settings')
    await db
      .updateTable('jobs')
      .set({ config: JSON.stringify(before?.config), latest_metrics: JSON.stringify(before?.latest_metrics) })
      .where('id', '=', id)
      .execute()
  })

  it('is sorted in both directions, page by page', async () => {
    const first = await list({ sort: 'oldest', limit: '3' })
    expect(first.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 3))
    const rest = await list({ sort: 'oldest', limit: '3', cursor: first.nextCursor ?? '' })
    expect(rest.jobs.map(({ id }) => id)).toEqual(ids.slice(3))
    expect((await list({})).jobs.map(({ id }) => id)).toEqual(ids.toReversed())
  })

  it('is sorted by the primary metric, whichever way is better, page by page', async () => {
    const { db } = harness.runner.context.database
    const [first = 0, second = 0, third = 0, fourth = 0] = ids
    const values: [id: number, goal: 'maximize' | 'minimize', value: number | 'NaN'][] = [
      [first, 'maximize', 'NaN'],
      [second, 'minimize', 0.5],
      [third, 'maximize', 0.25],
    ]
    for (const [id, goal, value] of values)
      await db
        .updateTable('jobs')
        .set({ primary_metric: JSON.stringify({ name: 'm', goal }), latest_metrics: JSON.stringify({ m: value }) })
        .where('id', '=', id)
        .execute()
    const expected = [third, second, fourth, first]
    const page = await list({ sort: 'best', limit: '2' })
    const rest = await list({ sort: 'best', limit: '2', cursor: page.nextCursor ?? '' })
    expect([page, rest].map(({ jobs }) => jobs.map(({ id }) => id))).toEqual([expected.slice(0, 2), expected.slice(2)])
    expect(rest.nextCursor).toBeUndefined()
  })
})
