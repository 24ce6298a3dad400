import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { buildBlocks } from './build-blocks.ts'
import { downsample } from './downsample.ts'
import { readBlockedSeries, readSeries } from './read-series.ts'
import { BLOCK_POINTS, type SeriesRef } from './series.ts'

describe('a long series', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())

  async function open() {
    const journal = await openJournal(harness)
    const series: SeriesRef = { jobId: journal.jobId, attempt: 1, name: 'loss' }
    const { database } = harness.runner.context
    let seq = 1
    const send = async (points: readonly { step: number; value: number }[]) => {
      for (let at = 0; at < points.length; at += 1000) {
        const events = points.slice(at, at + 1000).map(({ step, value }) => {
          const loss = Number.isFinite(value) ? value : String(value)
          return { type: 'progress', step, metrics: { loss } }
        })
        const response = await journal.send(seq, events)
        expect(response.status).toBe(200)
        seq += events.length
      }
    }
    const read = async (points: number) => {
      const result = await readSeries(database.db, series, points)
      return result.points.map(({ step, value }) => ({ step, value }))
    }
    const readBlocked = async (points: number, maxLoose: number) => {
      const [one] = await readBlockedSeries(database.db, { ...series, names: [series.name] }, { points, maxLoose })
      return one?.series
    }
    return {
      series,
      readBlocked,
      database,
      send,
      read,
      build: () => buildBlocks(database, { jobId: series.jobId, attempt: series.attempt, names: [series.name] }),
    }
  }

  // JSON has no -0, and -0 + 0 is 0.
  const value = fc
    .oneof(
      { weight: 30, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -99, 99, 0) },
    )
    .map((one) => one + 0)

  it('is downsampled to the same points with and without blocks, while it grows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(value, { minLength: 1, maxLength: 900 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(10, 20, 50),
        async (batches, count) => {
          const { send, read, build } = await open()
          const all: { step: number; value: number }[] = []
          for (const [round, batch] of batches.entries()) {
            const points = batch.map((one) => ({ step: 0, value: one }))
            for (const point of points) {
              point.step = (all.at(-1)?.step ?? 0) + 3
              all.push(point)
            }
            await send(points)
            expect(await read(count)).toEqual(downsample(all, count))
            if (round % 2 === 0) await build()
            expect(await read(count)).toEqual(downsample(all, count))
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  it('keeps every spike when points arrive late or again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ step: fc.nat({ max: 3000 }), value }), { minLength: 1, maxLength: 40 }),
        async (late) => {
          const { send, read, readBlocked, build } = await open()
          const all = new Map(Array.from({ length: 1200 }, (_, index) => [index * 2, Math.sin(index)]))
          await send([...all].map(([step, one]) => ({ step, value: one })))
          await build()
          for (let at = 0; at < late.length; at += 10) {
            await send(late.slice(at, at + 10))
            for (const point of late.slice(at, at + 10)) all.set(point.step, point.value)
            const true_ = [...all].map(([step, one]) => ({ step, value: one })).sort((a, b) => a.step - b.step)
            // Read with holes, then with blocks again.
            expect(await read(10)).toEqual(downsample(true_, 10))
            await build()
            expect(await readBlocked(10, BLOCK_POINTS)).toBeDefined()
            const thin = await read(10)
            expect(thin.map(({ step }) => step)).toEqual(thin.map(({ step }) => step).sort((a, b) => a - b))
            for (const point of thin) expect(all.get(point.step)).toEqual(point.value)
            const numbers = true_.filter((point) => !Number.isNaN(point.value)).map((point) => point.value)
            const shown = thin.map((point) => point.value)
            expect(shown).toContain(Math.max(...numbers))
            expect(shown).toContain(Math.min(...numbers))
            if (numbers.length < true_.length) expect(shown.some(Number.isNaN)).toBe(true)
            expect(thin).toContainEqual(true_[0])
            expect(thin).toContainEqual(true_.at(-1))
            expect(await read(10)).toEqual(thin)
          }
        },
      ),
      { numRuns: 10 },
    )
  })

  it('has each block built once, also by concurrent builders while points arrive', async () => {
    const { series, database, send, read, readBlocked, build } = await open()
    const points = Array.from({ length: 4000 }, (_, index) => ({ step: index, value: Math.cos(index) }))
    const sending = send(points)
    await Promise.all([build(), build(), build()])
    await sending
    await Promise.all([build(), build()])
    const blocks = await database.db
      .selectFrom('metric_blocks')
      .select('to_step')
      .where('job_id', '=', series.jobId)
      .execute()
    expect(blocks).toHaveLength(Math.floor(4000 / BLOCK_POINTS))
    expect(await readBlocked(30, 4000 % BLOCK_POINTS)).toBeDefined()
    expect(await readBlocked(30, (4000 % BLOCK_POINTS) - 1)).toBeUndefined()
    expect(await read(30)).toEqual(downsample(points, 30))
  })
})
