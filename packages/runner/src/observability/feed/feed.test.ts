import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '@trainyard/contract'
import { type KyselyPlugin, sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { type CreateRunnerOptions, createRunner } from '../../create-runner.ts'
import { type Harness, isOver, noLauncher, openJournal, playedLauncher, startHarness } from '../../testing/harness.ts'
import { BackendRefused, type ObservabilityAdapter } from '../adapter.ts'
import { parseExposition } from '../metrics/parse-exposition.ts'
import { memoryAdapter } from '../testing/memory-adapter.ts'
import { createFeed, type FeedLimits } from './feeder.ts'

const QUICK: Partial<FeedLimits> = {
  intervalMs: 20,
  retryMs: 20,
  maxRetryMs: 200,
  circuitPauseMs: 50,
  callTimeoutMs: 500,
}
/** The test plays the trainers: a real one would take the numbers of its events. */
const played = { launcher: playedLauncher }
const WAIT = { timeout: 30_000, interval: 30 }

let harness: Harness
afterEach(async () => await harness.close())

const start = async (
  adapters: readonly ObservabilityAdapter[],
  limits: Partial<FeedLimits> = {},
  runner: Partial<CreateRunnerOptions> = {},
) => {
  harness = await startHarness({
    start: true,
    runner: { adapters, ...runner },
    config: { metrics: { open: true }, observability: { limits: { ...QUICK, ...limits } } },
  })
}
const samples = async () => parseExposition(await (await harness.request('/metrics')).text()).samples
const counted = async (name: string, backend: string) =>
  (await samples())
    .filter((one) => one.name === name && one.labels.backend === backend)
    .reduce((sum, one) => sum + one.value, 0)
const progress = (step: number) => ({ type: 'progress', step, metrics: { loss: 1 / step } })
const experimentOf = async (job: Pick<Job, 'id'>, backend: string) =>
  (await harness.getJob(job.id)).experiments?.find((one) => one.backend === backend)

describe('the feed of a backend', () => {
  it('tells all of a job in order: start, settings, points, lines, files, end', async () => {
    const { adapter, told } = memoryAdapter('mlflow')
    await start([adapter])
    const job = await harness.createJob({ config: { epochs: 3 } })
    await harness.waitFor(job.id, isOver)
    await expect.poll(() => experimentOf(job, 'mlflow'), WAIT).toMatchObject({ state: 'finished' })

    const [all] = told.values()
    const { series } = await (await harness.request(`/v1/jobs/${job.id}/metrics`)).json()
    const stored = series.flatMap((one: { name: string; points: { step: number; value: number }[] }) =>
      one.points.map((point) => `${one.name} ${point.step} ${point.value}`),
    )
    expect(stored.length).toBeGreaterThan(0)
    expect(all?.points.map((point) => `${point.name} ${point.step} ${point.value}`).sort()).toEqual(stored.sort())
    expect(all).toMatchObject({ starts: 1, params: 1, end: { state: 'succeeded', reason: 'completed' } })
    const { lines } = await (await harness.request(`/v1/jobs/${job.id}/logs?limit=5000`)).json()
    expect(all?.lines.map((line) => line.id)).toEqual(lines.map((line: { id: number }) => line.id))
    expect(await experimentOf(job, 'mlflow')).toEqual({
      backend: 'mlflow',
      state: 'finished',
      url: `http://memory.test/${all?.info.key}`,
    })
  })

  it('lets one that is dead, one that is slow, one that throws and one that is flooded stand beside one that lives', async () => {
    const alive = memoryAdapter('database')
    const dead = memoryAdapter('mlflow', async () => {
      throw new Error('connect ECONNREFUSED')
    })
    const slow = memoryAdapter('clearml', async () => await sleep(60_000))
    const throwing: ObservabilityAdapter = {
      ...memoryAdapter('tensorboard').adapter,
      start: () => {
        throw new TypeError('a bug')
      },
    }
    const flooded = memoryAdapter('loki', async () => await sleep(150))
    const limits = { queueSize: 3, concurrency: 1, callTimeoutMs: 5000 }
    // Nothing is started and nothing runs: their places are free again at once.
    await start([alive.adapter, dead.adapter, slow.adapter, throwing, flooded.adapter], limits, {
      launcher: noLauncher,
    })

    const began = performance.now()
    const jobs = await Promise.all(Array.from({ length: 8 }, async () => await openJournal(harness)))
    for (const journal of jobs) {
      const response = await journal.send(1, [
        progress(1),
        progress(2),
        { type: 'completed', result: { operation: 'train' } },
      ])
      expect(response.status).toBe(200)
    }
    // Intake waited for none of them: the slow one alone would have taken five seconds for each of the eight.
    expect(performance.now() - began).toBeLessThan(30_000)
    for (const { jobId } of jobs) expect((await harness.getJob(jobId)).state).toBe('succeeded')

    await expect.poll(() => [...alive.told.values()].filter((one) => one.end !== undefined).length, WAIT).toBe(8)
    await expect
      .poll(async () => await counted('trainyard_observability_queue_full_total', 'loki'), WAIT)
      .toBeGreaterThan(0)
    await expect.poll(async () => await counted('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(1)
    await expect
      .poll(async () => await counted('trainyard_observability_failures_total', 'clearml'), WAIT)
      .toBeGreaterThan(0)
    await expect
      .poll(async () => await counted('trainyard_observability_failures_total', 'tensorboard'), WAIT)
      .toBeGreaterThan(0)
    expect(await counted('trainyard_observability_failures_total', 'database')).toBe(0)
    expect(await counted('trainyard_observability_queue_depth', 'loki')).toBeLessThanOrEqual(4)
    // What overflowed is late, not lost.
    await expect.poll(() => [...flooded.told.values()].filter((one) => one.end !== undefined).length, WAIT).toBe(8)
    const [job] = jobs
    await expect
      .poll(async () => (job === undefined ? undefined : await experimentOf({ id: job.jobId }, 'mlflow')), WAIT)
      .toMatchObject({ state: 'failing', lastError: 'connect ECONNREFUSED' })
  })

  it('catches up with everything once a dead backend is back', async () => {
    let isDead = true
    const backend = memoryAdapter('mlflow', async () => {
      if (isDead) throw new Error('away')
    })
    await start([backend.adapter], {}, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 500 }, (_, index) => progress(index + 1)),
    )
    await expect.poll(async () => await counted('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(1)
    expect(backend.told.size).toBe(0)
    isDead = false
    await expect.poll(() => [...backend.told.values()][0]?.points.length, WAIT).toBe(500)
    expect([...backend.told.values()][0]?.points.map((point) => point.step)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 1),
    )
    await expect
      .poll(async () => await experimentOf({ id: journal.jobId }, 'mlflow'), WAIT)
      .toEqual({ backend: 'mlflow', state: 'open', url: expect.any(String) })
    await expect.poll(async () => await counted('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(0)
  })

  it('never loses sight of an attempt that it puts back and takes again at the same moment', async () => {
    let failures = 0
    const { adapter } = memoryAdapter('mlflow', async () => {
      failures++
      throw new Error('away')
    })
    await start([], {}, played)
    const { context } = harness.runner
    // That it is put back is written at once, and heard of late.
    const putBack = new WeakSet<object>()
    const slowToHear: KyselyPlugin = {
      transformQuery: ({ node, queryId }) => {
        if (JSON.stringify(node).includes('failures = e.failures + 1')) putBack.add(queryId)
        return node
      },
      transformResult: async ({ result, queryId }) => {
        if (putBack.has(queryId)) await sleep(50)
        return result
      },
    }
    const database = { ...context.database, db: context.database.db.withPlugin(slowToHear) }
    const feed = createFeed({ ...context, database }, adapter, {
      instanceId: 'of-this-test',
      jobPages: harness.url,
      limits: { ...QUICK, intervalMs: 1, retryMs: 1, circuitThreshold: 1_000_000 },
    })
    feed.start()
    try {
      await (await openJournal(harness)).send(1, [progress(1)])
      // Whoever takes an attempt and forgets it leaves it alone for as long as a lease, a minute.
      await expect.poll(() => failures, WAIT).toBeGreaterThan(5)
    } finally {
      await feed.stop()
    }
  })

  it('leaves out what a backend refuses, counts and shows it, and goes on', async () => {
    const { adapter, told } = memoryAdapter('mlflow')
    const picky: ObservabilityAdapter = {
      ...adapter,
      logMetrics: async (handle, points, signal) => {
        if (points.some((point) => point.name === 'bad')) throw new BackendRefused('no such thing as "bad"')
        return await adapter.logMetrics(handle, points, signal)
      },
    }
    await start([picky], {}, played)
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'progress', step: 1, metrics: { bad: 1 } }])
    await expect.poll(async () => await counted('trainyard_observability_dropped_total', 'mlflow'), WAIT).toBe(1)
    await journal.send(2, [progress(2)])
    await expect.poll(() => [...told.values()][0]?.points.length, WAIT).toBe(1)
    expect(await experimentOf({ id: journal.jobId }, 'mlflow')).toMatchObject({
      state: 'open',
      lastError: 'no such thing as "bad"',
    })
  })

  it('leaves out the oldest of what is too far behind, and says how much', async () => {
    let isDead = true
    const backend = memoryAdapter('mlflow', async () => {
      if (isDead) throw new Error('away')
    })
    await start([backend.adapter], { maxBehind: 100 }, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 350 }, (_, index) => progress(index + 1)),
    )
    isDead = false
    await expect.poll(() => [...backend.told.values()][0]?.points.at(-1)?.step, WAIT).toBe(350)
    expect([...backend.told.values()][0]?.points[0]?.step).toBe(251)
    await expect.poll(async () => await counted('trainyard_observability_dropped_total', 'mlflow'), WAIT).toBe(250)
    expect((await experimentOf({ id: journal.jobId }, 'mlflow'))?.lastError).toMatch(/^250 events were left out/)
  })

  it('goes on after a restart where it was, and sends again only what was under way', async () => {
    const first = memoryAdapter('mlflow', async () => {})
    await start([first.adapter], { batchSize: 10 }, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 30 }, (_, index) => progress(index + 1)),
    )
    await expect.poll(() => [...first.told.values()][0]?.points.length, WAIT).toBe(30)
    // Died after the backend took the last batch, before that was written down.
    await expect.poll(async () => (await experimentOf({ id: journal.jobId }, 'mlflow'))?.state, WAIT).toBe('open')
    await sql`update experiments set seq = 20`.execute(harness.runner.context.database.db)
    await expect.poll(() => [...first.told.values()][0]?.points.length, WAIT).toBe(40)
    const steps = [...first.told.values()][0]?.points.map((point) => point.step)
    expect(steps?.slice(30)).toEqual(Array.from({ length: 10 }, (_, index) => index + 21))
  })

  it('never lets two replicas tell a backend about the same attempt at a time', async () => {
    const shared = memoryAdapter('mlflow', async () => await sleep(5))
    await start([shared.adapter], { batchSize: 5, concurrency: 1 }, played)
    const { context } = harness.runner
    const second = await createRunner({
      config: harness.config,
      store: context.store,
      logger: context.logger,
      trainers: context.trainers,
      adapters: [shared.adapter],
    })
    await second.start()
    try {
      const journal = await openJournal(harness)
      for (let at = 0; at < 10; at++)
        await journal.send(
          1 + at * 20,
          Array.from({ length: 20 }, (_, index) => progress(at * 20 + index + 1)),
        )
      await expect.poll(() => [...shared.told.values()][0]?.points.length, WAIT).toBeGreaterThanOrEqual(200)
      expect([...shared.told.values()][0]?.points.map((point) => point.step)).toEqual(
        Array.from({ length: 200 }, (_, index) => index + 1),
      )
      expect(shared.mostAtATime()).toBe(1)
    } finally {
      await second.stop()
    }
  })
})
