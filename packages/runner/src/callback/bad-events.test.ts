import { EventsResponse, Problem, type StoredEvent, StoredEventPage } from '@trainyard/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseEvents } from '../journal/parse-events.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { storeDivided } from './store-divided.ts'
import { prepareEvents, storeEvents } from './store-events.ts'

const log = (message: string) => ({ type: 'log', level: 'info', message })
const answered = async (response: Response) => EventsResponse.parse(await response.json())
const deep = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)

describe('an event that cannot be stored', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    const { db } = harness.runner.context.database
    // What PostgreSQL refuses although it passed every check: a stand-in for what no check foresees.
    await sql`create function refuse_points() returns trigger language plpgsql as $$
      begin
        if new.name like 'refuse %' then
          raise exception 'refused %', new.name using errcode = substr(new.name, 8, 5);
        end if;
        return new;
      end $$`.execute(db)
    await sql`create trigger refuse_points before insert on metrics for each row execute function refuse_points()`.execute(
      db,
    )
  })
  afterAll(() => harness.close())

  const eventsOf = async (jobId: number): Promise<StoredEvent[]> =>
    StoredEventPage.parse(await (await harness.request(`/v1/jobs/${jobId}/events?limit=1000`)).json()).events

  it.each([
    ['year 0', { time: '0000-06-01T00:00:00Z' }],
    ['year 0, in the form of the fast path', { time: '0000-06-01T00:00:00.000Z' }],
    ['year 0 in UTC', { time: '0001-01-01T00:00:00+14:00' }],
    ['year 10000 in UTC', { time: '9999-12-31T23:59:59-14:00' }],
    ['year 99999', { time: '+099999-01-01T00:00:00.000Z' }],
    ['year -1', { time: '-000001-01-01T00:00:00.000Z' }],
    ['a type that is cut within a character', { type: `${'x'.repeat(99)}😀` }],
    ['no type', { type: { deep: [1] } }],
    ['a number beyond 2^53', { epoch: 2 ** 53 }],
  ])('is acknowledged, reported and kept: %s', async (_, odd) => {
    const journal = await openJournal(harness)
    const first = await answered(await journal.send(1, [log('before'), { ...log('odd'), ...odd }, log('after')]))
    // A log event ignores the epoch.
    const isOdd = !('epoch' in odd)
    expect(first).toMatchObject({ acknowledged: 3, rejected: isOdd ? [{ seq: 2, code: 'invalid_event' }] : [] })
    expect(await answered(await journal.send(4, [log('next')]))).toMatchObject({ acknowledged: 4, rejected: [] })
    const stored = await eventsOf(journal.jobId)
    expect(stored.map(({ seq, rejected }) => [seq, rejected !== undefined])).toEqual([
      [1, false],
      [2, isOdd],
      [3, false],
      [4, false],
    ])
    expect(stored[1]?.body).toMatchObject({ message: 'odd' })
  })

  it.each([70, 10_000, 200_000])('is kept as text when it is nested %s deep, in whatever field', async (depth) => {
    const { jobId } = await openJournal(harness)
    const time = '2026-11-20T09:30:00.123Z'
    const fields = ['data', 'metrics', 'unknown', 'type', 'time', 'message']
    const odd = fields.map((field, index) => ({ seq: index + 1, time, ...log('x'), [field]: deep(depth) }))
    const batch = await parseEvents([...odd, { seq: fields.length + 1, time, ...log('after') }])
    const last = fields.length + 1
    expect(batch.rejected.map(({ seq }) => seq)).toEqual(fields.map((_, index) => index + 1))
    const { query } = harness.runner.context.database
    const input = { jobId, attempt: 1, channel: 'journal' as const, first: 1, last, batch }
    const options = { now: new Date(), maxLogLines: 100, maxMetricNames: 100 }
    expect(await storeEvents(query, prepareEvents([input]), options)).toMatchObject([{ applied: true }])
    const stored = await eventsOf(jobId)
    expect(stored.map(({ seq, rejected }) => [seq, rejected !== undefined])).toEqual([
      ...fields.map((_, index) => [index + 1, true]),
      [last, false],
    ])
    expect(stored[0]?.body.text).toContain('"message":"x"')
  })

  it.each([70, 10_000, 90_000])(
    'is rejected over HTTP, and costs no other event, when it is nested %s deep',
    async (depth) => {
      const journal = await openJournal(harness)
      const time = '2026-11-20T09:30:00.123Z'
      const events = ['before', 'odd', 'after'].map((message, index) => ({ seq: index + 1, time, ...log(message) }))
      // As text: JSON.stringify cannot write such a value.
      const nested = `"data":${'['.repeat(depth)}${']'.repeat(depth)},"message":"odd"`
      const body = JSON.stringify({ attempt: 1, events }).replace('"message":"odd"', nested)
      const headers = { authorization: journal.authorization, 'content-type': 'application/json' }
      const response = await harness.request(`/v1/jobs/${journal.jobId}/events`, { method: 'POST', headers, body })
      expect(await answered(response)).toMatchObject({
        acknowledged: 3,
        rejected: [{ seq: 2, code: 'invalid_event' }],
      })
      expect(await answered(await journal.send(4, [log('later')]))).toMatchObject({ acknowledged: 4, rejected: [] })
    },
  )

  const point = (name: string) => ({ type: 'progress', step: 1, metrics: { loss: 1, [name]: 1 } })

  it.each(['22003', '22P05', '21000', '23514', '54000', '54001'])(
    'is found by halving when PostgreSQL refuses the batch with %s, and the rest is stored',
    async (code) => {
      const journal = await openJournal(harness)
      const guilty = [1, 7, 8, 20]
      const events = Array.from({ length: 20 }, (_, index) =>
        guilty.includes(index + 1) ? point(`refuse ${code}`) : log(`line ${index + 1}`),
      )
      const answer = await answered(await journal.send(1, events))
      expect(answer.acknowledged).toBe(20)
      expect(answer.rejected.map(({ seq }) => seq)).toEqual(guilty)
      expect(answer.rejected[0]?.detail).toBe(`cannot be stored: refused refuse ${code}`)
      expect(await answered(await journal.send(21, [log('next')]))).toMatchObject({ acknowledged: 21, rejected: [] })
      const stored = await eventsOf(journal.jobId)
      expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1))
      expect(stored.filter(({ rejected }) => rejected !== undefined).map(({ seq }) => seq)).toEqual(guilty)
      expect(stored[6]?.body.text).toContain(`"refuse ${code}":1`)
    },
  )

  it('does not keep the end of the attempt from being stored', async () => {
    const journal = await openJournal(harness)
    const completed = { type: 'completed', result: { operation: 'train' } }
    const answer = await answered(await journal.send(1, [log('a'), point('refuse 22003'), completed]))
    expect(answer).toMatchObject({ acknowledged: 3, rejected: [{ seq: 2 }] })
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'succeeded' })
  })

  it('costs other jobs nothing when their events share the statement', async () => {
    const [bad, good] = [await openJournal(harness), await openJournal(harness)]
    const [refused, stored] = await Promise.all([
      bad.send(1, [point('refuse 22003')]).then(answered),
      good.send(1, [log('a')]).then(answered),
    ])
    expect(refused).toMatchObject({ acknowledged: 1, rejected: [{ seq: 1 }] })
    expect(stored).toMatchObject({ acknowledged: 1, rejected: [] })
  })

  it('of a simple endpoint gets a 400, and the next call is stored', async () => {
    const journal = await openJournal(harness)
    const odd = await journal.post('/heartbeat', { epoch: 1, metrics: { 'refuse 22003': 1 } })
    expect([odd.status, await odd.json()]).toMatchObject([400, { detail: expect.stringContaining('cannot be stored') }])
    expect((await journal.post('/heartbeat', { epoch: 2, metrics: { loss: 1 } })).status).toBe(200)
    expect((await harness.getJob(journal.jobId)).progress.epoch).toBe(2)
  })

  it.each(['57P01', '53200', '08006', '40001'])(
    'is another matter when the database fails (%s): nothing is acknowledged, and the sender tries again',
    async (code) => {
      const journal = await openJournal(harness)
      const response = await journal.send(1, [log('a'), point(`refuse ${code}`)])
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
      expect(Problem.parse(await response.json())).toMatchObject({ code: 'unavailable', retryable: true })
      expect(await eventsOf(journal.jobId)).toEqual([])
      expect(await answered(await journal.send(1, [log('a')]))).toMatchObject({ acknowledged: 1 })
    },
  )

  it('is told from a database that refuses everything: then nothing is given up', async () => {
    const events = [1, 2, 3].map((seq) => ({ seq, time: '2026-01-01T00:00:00.000Z', ...log('a') }))
    const batch = await parseEvents(events)
    const input = { jobId: 1, attempt: 1, channel: 'journal' as const, first: 1, last: 3, batch }
    const error = Object.assign(new Error('invalid input'), { severity: 'ERROR', code: '22000' })
    await expect(storeDivided(input, () => Promise.reject(error))).rejects.toBe(error)
  })
})
