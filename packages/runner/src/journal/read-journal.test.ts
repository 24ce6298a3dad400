import { StoredEventPage } from '@trainyard/contract'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { readJournal } from './read-journal.ts'

type Event = Record<string, unknown>

describe('readJournal', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { limits: { maxEventsPerSecond: 1_000_000 } },
    })
  })
  afterAll(() => harness.close())

  const chunksOf = async (jobId: number) => {
    const chunks = await harness.runner.context.database.db
      .selectFrom('event_chunks')
      .select(['first_seq', 'last_seq', 'progress_count', 'log_count'])
      .where('job_id', '=', jobId)
      .orderBy('last_seq')
      .execute()
    return chunks.map(({ first_seq, last_seq, progress_count, log_count }) =>
      [`${first_seq}–${last_seq}`, progress_count, log_count].join(' '),
    )
  }
  const read = async (jobId: number, after: number, limit: number, type?: string) =>
    (await readJournal(harness.runner.context.database, [{ jobId, attempt: 1, seq: after }], { limit, type })).map(
      ({ seq, body }) => ({ ...body, seq }),
    )
  const progress = (step: number) => ({ type: 'progress', step, metrics: { loss: step / 7 } })
  const many = (count: number, from = 1) => Array.from({ length: count }, (_, index) => progress(from + index))

  it('stores runs of events in one row and returns each event as it was sent', async () => {
    const journal = await openJournal(harness)
    const odd = { type: 'progress', step: -1 }
    const log = { type: 'log', level: 'info', message: 'a "ü" \\u0001 \n\t\u{1f600}', data: { '1e5': [1e-7, 'NaN'] } }
    const sent = [
      ...many(20),
      log,
      odd,
      ...many(3),
      { type: 'checkpoint', name: 'x', artifactId: 'art_1' },
      ...many(30),
    ]
    const time = '2026-11-20T10:00:00+02:00'
    const response = await journal.send(
      1,
      sent.map((event) => ({ time, ...event })),
    )
    expect(response.status).toBe(200)
    expect(await chunksOf(journal.jobId)).toEqual(['1–21 20 1', '27–56 30 0'])
    const page = StoredEventPage.parse(await (await harness.request(`/v1/jobs/${journal.jobId}/events`)).json())
    expect(page.events.map(({ body }) => body)).toEqual(
      sent.map((event, index) => ({ seq: index + 1, time, ...event })),
    )
    expect(page.events.map(({ type }) => type)).toEqual(sent.map(({ type }) => type))
    expect(page.events.flatMap(({ seq, rejected }) => (rejected === undefined ? [] : seq))).toContain(22)
    expect(new Set(page.events.map((event) => event.time))).toEqual(new Set(['2026-11-20T08:00:00.000Z']))
    expect(new Set(page.events.map(({ receivedAt }) => receivedAt)).size).toBe(1)
  })

  it('reads the new part of a chunk that overlaps stored events', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, many(5))
    await journal.send(1, many(40))
    expect(await chunksOf(journal.jobId)).toEqual(['6–40  '])
    expect((await read(journal.jobId, 0, 100)).map(({ seq }) => seq)).toEqual(many(40).map(({ step }) => step))
    expect(await read(journal.jobId, 0, 100, 'log')).toEqual([])
    expect(await read(journal.jobId, 0, 7, 'progress')).toHaveLength(7)
    // All of them are stored already.
    await journal.send(1, many(40))
    expect(await chunksOf(journal.jobId)).toEqual(['6–40  '])
  })

  it('is deleted with its job', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [...many(20), { type: 'failed', errorType: 'UnknownError', message: 'no', retryable: false }])
    const { jobId } = journal
    expect(await chunksOf(jobId)).toHaveLength(1)
    expect((await harness.request(`/v1/jobs/${jobId}`, { method: 'DELETE' })).status).toBe(204)
    expect(await chunksOf(jobId)).toEqual([])
  })

  it('returns each event once, however events were batched and whatever is requested', async () => {
    const event: fc.Arbitrary<Event> = fc.oneof(
      { weight: 60, arbitrary: fc.constant({ type: 'progress', step: 3 }) },
      { weight: 10, arbitrary: fc.constant({ type: 'log', level: 'info', message: 'x' }) },
      { weight: 1, arbitrary: fc.constant({ type: 'progress', step: 'three' }) },
      { weight: 1, arbitrary: fc.constant({ type: 'checkpoint', name: 'x', artifactId: 'art_1' }) },
    )
    const batch = fc.record({
      // Number of events before the batch that are sent again.
      again: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
      events: fc.array(event, { minLength: 1, maxLength: 80, size: 'max' }),
    })
    const question = fc.record({
      after: fc.nat(200),
      limit: fc.integer({ min: 1, max: 90 }),
      type: fc.constantFrom(undefined, 'progress', 'log', 'checkpoint', 'other'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 6 }),
        fc.array(question, { minLength: 5, maxLength: 5 }),
        async (batches, questions) => {
          const journal = await openJournal(harness)
          const kept: Event[] = []
          for (const { again, events } of batches) {
            const first = Math.max(1, kept.length + 1 - again)
            const whole = [...kept.slice(first - 1).map(({ seq: _, time: __, ...rest }) => rest), ...events]
            expect((await journal.send(first, whole)).status).toBe(200)
            for (const one of events) kept.push({ ...one, seq: kept.length + 1 })
          }
          const plain = (some: Event[]) => some.map(({ time: _, ...rest }) => rest)
          for (const { after, limit, type } of questions) {
            const wanted = kept.filter((one) => Number(one.seq) > after && (type === undefined || one.type === type))
            expect(plain(await read(journal.jobId, after, limit, type))).toEqual(plain(wanted.slice(0, limit)))
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})
