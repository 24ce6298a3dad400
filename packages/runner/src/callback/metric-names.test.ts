import { EventsResponse, MetricSeriesList, StoredEventPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, journalOf, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

const LIMIT = 10
const answered = async (response: Response) => EventsResponse.parse(await response.json())
const metrics = (...names: string[]) => Object.fromEntries(names.map((name, index) => [name, index + 1]))
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const progress = (step: number, ...names: string[]) => ({ type: 'progress', step, metrics: metrics(...names) })

describe('the names of metrics of a job', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { limits: { maxMetricNames: LIMIT, retryBackoffSeconds: 0 } },
    })
  })
  afterAll(() => harness.close())

  const namesOf = async (jobId: number, query = '') => {
    const response = await harness.request(`/v1/jobs/${jobId}/metrics${query}`)
    return MetricSeriesList.parse(await response.json()).series.map(({ name }) => name)
  }
  const eventsOf = async (jobId: number) =>
    StoredEventPage.parse(await (await harness.request(`/v1/jobs/${jobId}/events`)).json()).events

  it('are limited: further metrics are rejected with the reason, and the rest of the event is stored', async () => {
    const journal = await openJournal(harness)
    expect(await answered(await journal.send(1, [progress(1, ...numbered('a', 8))]))).toMatchObject({ rejected: [] })
    const answer = await answered(await journal.send(2, [progress(2, 'a0', ...numbered('b', 5)), progress(3, 'a1')]))
    expect(answer).toMatchObject({ acknowledged: 3 })
    expect(answer.rejected).toEqual([
      {
        seq: 2,
        code: 'invalid_event',
        path: 'metrics.b2',
        detail:
          'and 2 other metrics of the event were not stored: a job can have at most 10 names of metrics (MAX_METRIC_NAMES)',
      },
    ])
    expect(await namesOf(journal.jobId)).toEqual([...numbered('a', 8), 'b0', 'b1'])
    expect((await eventsOf(journal.jobId))[1]).toMatchObject({
      type: 'progress',
      body: { step: 2, metrics: metrics('a0', 'b0', 'b1'), leftOutMetrics: { count: 3, names: ['b2', 'b3', 'b4'] } },
    })
    expect((await harness.getJob(journal.jobId)).progress.step).toBe(3)
    // Known names are stored as before, whatever the event has beside them.
    expect(await answered(await journal.send(4, [progress(4, 'c0', 'a7')]))).toMatchObject({
      rejected: [{ seq: 4, path: 'metrics.c0', detail: expect.stringMatching(/^was not stored/) }],
    })
    const { series } = MetricSeriesList.parse(
      await (await harness.request(`/v1/jobs/${journal.jobId}/metrics?name=a7`)).json(),
    )
    expect(series[0]?.points.map(({ step }) => step)).toEqual([1, 4])
  })

  it('have room for the primary metric before all others of a batch', async () => {
    const journal = await openJournal(harness)
    const { primaryMetric } = await harness.getJob(journal.jobId)
    await journal.send(1, [progress(1, ...numbered('a', 50), primaryMetric.name)])
    expect((await harness.getJob(journal.jobId)).latestMetrics).toHaveProperty([primaryMetric.name], 51)
    expect(await namesOf(journal.jobId)).toHaveLength(LIMIT)
  })

  it('reject a validation whose primary metric has no room, and keep it', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1, ...numbered('a', LIMIT))])
    const primary = { name: 'score', value: 1, goal: 'maximize' }
    const answer = await answered(
      await journal.send(2, [{ type: 'validation', primary, metrics: metrics('a1') }, progress(2, 'a1')]),
    )
    expect(answer).toMatchObject({ acknowledged: 3, rejected: [{ seq: 2, path: 'metrics.score' }] })
    expect((await eventsOf(journal.jobId))[1]).toMatchObject({ rejected: { path: 'metrics.score' } })
  })

  it('count once over all attempts of a job', async () => {
    const journal = await openJournal(harness, { maxRetries: 1 })
    const failed = { type: 'failed', errorType: 'UnknownError', message: 'no', retryable: true }
    await journal.send(1, [progress(1, ...numbered('a', 8)), failed])
    const second = await journalOf(harness, journal.jobId, 2)
    const answer = await answered(await second.send(1, [progress(1, ...numbered('a', 8), 'b0', 'b1', 'b2')]))
    expect(answer.rejected).toMatchObject([{ path: 'metrics.b2' }])
    expect(await namesOf(journal.jobId, '?attempt=2')).toEqual([...numbered('a', 8), 'b0', 'b1'])
  })

  it('hold for each job on its own when batches of many jobs share a statement', async () => {
    const journals = await Promise.all(Array.from({ length: 6 }, () => openJournal(harness)))
    const answers = await Promise.all(
      journals.map(async (journal, index) =>
        answered(await journal.send(1, [progress(1, ...numbered('a', 6 + index))])),
      ),
    )
    expect(answers.map(({ rejected }) => rejected.length)).toEqual([0, 0, 0, 0, 0, 1])
    const names = await Promise.all(journals.map(({ jobId }) => namesOf(jobId)))
    expect(names.map(({ length }) => length)).toEqual([6, 7, 8, 9, 10, 10])
  })
})
