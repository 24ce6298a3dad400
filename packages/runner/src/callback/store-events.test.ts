import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseEvents } from '../journal/parse-events.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { lockAttempt, prepareEvents, storeEvents } from './store-events.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ runner: { launcher: noLauncher } })
})
afterAll(() => harness.close())

/** The metrics of one event, with its step or epoch. */
type Reported = { step?: number; epoch?: number; metrics: Record<string, number> }

async function inputOf(jobId: number, first: number, reported: readonly Reported[]): Promise<IntakeBatch> {
  const events = reported.map((event, index) => {
    const seq = first + index
    return { seq, time: `2026-01-01T00:00:${String(seq).padStart(2, '0')}.000Z`, type: 'progress', ...event }
  })
  const last = first + reported.length - 1
  return { jobId, attempt: 1, channel: 'journal', first, last, batch: await parseEvents(events) }
}

it('inserts points and overwrites those of a step that is reported again', async () => {
  const { query } = harness.runner.context.database
  const [a, b] = [(await openJournal(harness)).jobId, (await openJournal(harness)).jobId]
  const store = async (...inputs: IntakeBatch[]) => {
    const results = await storeEvents(query, prepareEvents(inputs), {
      now: new Date(),
      maxLogLines: 100,
      maxMetricNames: 100,
    })
    expect(results.map((result) => result?.applied)).toEqual(inputs.map(() => true))
  }
  const pointsOf = async (jobId: number) => {
    const text = `select name, axis, step, value, extract(second from time)::int as second from metrics where job_id = $1 order by name, step`
    const rows = await query<{ name: string; axis: string; step: number; value: number; second: number }>(
      { name: 'points', text },
      [jobId],
    )
    return rows.map(({ name, axis, step, value, second }) => `${name} ${axis} ${step}=${value} at ${second}`)
  }
  await store(
    await inputOf(a, 1, [
      { step: 5, metrics: { loss: 1, rate: 0.5 } },
      { step: 7, metrics: { loss: 2 } },
    ]),
    await inputOf(b, 1, [{ epoch: 1, metrics: { loss: 9 } }]),
  )
  await store(
    await inputOf(b, 2, [
      { epoch: 1, metrics: { loss: 8 } },
      { epoch: 2, metrics: { loss: 7 } },
      { epoch: 2, metrics: { loss: 6 } },
    ]),
    await inputOf(a, 3, [
      { step: 8, metrics: { loss: 3 } },
      { step: 5, metrics: { loss: 4 } },
      { step: 6, metrics: { loss: 5, rate: 0.4 } },
    ]),
  )
  expect(await pointsOf(a)).toEqual([
    'loss step 5=4 at 4',
    'loss step 6=5 at 5',
    'loss step 7=2 at 2',
    'loss step 8=3 at 3',
    'rate step 5=0.5 at 1',
    'rate step 6=0.4 at 5',
  ])
  expect(await pointsOf(b)).toEqual(['loss epoch 1=8 at 2', 'loss epoch 2=6 at 4'])
  // Events that are already stored are skipped, whatever they contain this time.
  await store(
    await inputOf(b, 4, [
      { epoch: 9, metrics: { loss: 0 } },
      { epoch: 3, metrics: { loss: 5 } },
    ]),
  )
  expect(await pointsOf(b)).toEqual(['loss epoch 1=8 at 2', 'loss epoch 2=6 at 4', 'loss epoch 3=5 at 5'])
})

it('skips a locked attempt, and sees everything stored under the lock after waiting for it', async () => {
  const { query, transaction } = harness.runner.context.database
  const [free, locked] = [(await openJournal(harness)).jobId, (await openJournal(harness)).jobId]
  const reported = [{ step: 1, metrics: { loss: 1 } }]
  const inputs = [await inputOf(free, 1, reported), await inputOf(locked, 1, reported)]
  const options = { now: new Date(), maxLogLines: 100, maxMetricNames: 100 }
  let waited: Promise<boolean> = Promise.resolve(false)
  await transaction(async (trx) => {
    const held = await trx.selectFrom('jobs').select('id').where('id', '=', locked).forNoKeyUpdate().execute()
    expect(held).toHaveLength(1)
    expect(await storeEvents(query, prepareEvents(inputs), options)).toMatchObject([
      { applied: true, lastSeq: 0 },
      undefined,
    ])
    waited = lockAttempt(query, { jobId: locked, attempt: 1 })
  })
  expect(await waited).toBe(true)
  expect(await storeEvents(query, prepareEvents(inputs.slice(1)), options)).toMatchObject([
    { applied: true, lastSeq: 0 },
  ])
  expect(await lockAttempt(query, { jobId: locked, attempt: 7 })).toBe(false)
})
