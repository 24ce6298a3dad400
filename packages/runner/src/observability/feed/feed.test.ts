import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '@trainyard/contract'
import { type KyselyPlugin, sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { type CreateRunnerOptions, createRunner } from '../../create-runner.ts'
import { type Harness, isOver, noLauncher, openJournal, playedLauncher, startHarness } from '../../testing/harness.ts'
import { BackendRefused, type ObservabilityAdapter } from '../adapter.ts'
import { memoryAdapter } from '../testing/memory-adapter.ts'
import { parseExposition } from '../testing/parse-exposition.ts'
import { Feed, type FeedLimits } from './feed.ts'

const QUICK: Partial<FeedLimits> = {
  intervalMs: 20,
  retryMs: 20,
  maxRetryMs: 200,
  circuitPauseMs: 50,
  callTimeoutMs: 500,
}
/** The tests send the events. A real trainer would use the same sequence numbers. */
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
const countOf = async (name: string, backend: string) =>
  (await samples())
    .filter((sample) => sample.name === name && sample.labels.backend === backend)
    .reduce((sum, { value }) => sum + value, 0)
const progress = (step: number) => ({ type: 'progress', step, metrics: { loss: 1 / step } })
const experimentOf = async (job: Pick<Job, 'id'>, backend: string) =>
  (await harness.getJob(job.id)).experiments?.find((experiment) => experiment.backend === backend)

describe('the feed of a backend', () => {
  it('sends a job in order: start, parameters, points, lines, artifacts, end', async () => {
    const { adapter, sent } = memoryAdapter('mlflow')
    await start([adapter])
    const job = await harness.createJob({ config: { epochs: 3 } })
    await harness.waitFor(job.id, isOver)
    await expect.poll(() => experimentOf(job, 'mlflow'), WAIT).toMatchObject({ state: 'finished' })

    const [all] = sent.values()
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

  it('is not affected by other backends that fail, are slow, throw or are overloaded', async () => {
    const working = memoryAdapter('database')
    const failing = memoryAdapter('mlflow', async () => {
      throw new Error('connect ECONNREFUSED')
    })
    const slow = memoryAdapter('clearml', async () => await sleep(60_000))
    const throwing: ObservabilityAdapter = {
      ...memoryAdapter('tensorboard').adapter,
      start: () => {
        throw new TypeError('a bug')
      },
    }
    const overloaded = memoryAdapter('loki', async () => await sleep(150))
    const limits = { queueSize: 3, concurrency: 1, callTimeoutMs: 5000 }
    // No trainer is started, so all jobs can be in progress at once.
    await start([working.adapter, failing.adapter, slow.adapter, throwing, overloaded.adapter], limits, {
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
    // Intake waited for no backend. The slow one alone would have taken five seconds for each of the eight jobs.
    expect(performance.now() - began).toBeLessThan(30_000)
    for (const { jobId } of jobs) expect((await harness.getJob(jobId)).state).toBe('succeeded')

    await expect.poll(() => [...working.sent.values()].filter(({ end }) => end !== undefined).length, WAIT).toBe(8)
    await expect
      .poll(async () => await countOf('trainyard_observability_queue_full_total', 'loki'), WAIT)
      .toBeGreaterThan(0)
    await expect.poll(async () => await countOf('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(1)
    await expect
      .poll(async () => await countOf('trainyard_observability_failures_total', 'clearml'), WAIT)
      .toBeGreaterThan(0)
    await expect
      .poll(async () => await countOf('trainyard_observability_failures_total', 'tensorboard'), WAIT)
      .toBeGreaterThan(0)
    expect(await countOf('trainyard_observability_failures_total', 'database')).toBe(0)
    expect(await countOf('trainyard_observability_queue_depth', 'loki')).toBeLessThanOrEqual(4)
    // What did not fit into the queue is delayed, not lost.
    await expect.poll(() => [...overloaded.sent.values()].filter(({ end }) => end !== undefined).length, WAIT).toBe(8)
    const [job] = jobs
    await expect
      .poll(async () => (job === undefined ? undefined : await experimentOf({ id: job.jobId }, 'mlflow')), WAIT)
      .toMatchObject({ state: 'failing', lastError: 'connect ECONNREFUSED' })
  })

  it('sends everything once an unavailable backend works again', async () => {
    let isDown = true
    const backend = memoryAdapter('mlflow', async () => {
      if (isDown) throw new Error('unavailable')
    })
    await start([backend.adapter], {}, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 500 }, (_, index) => progress(index + 1)),
    )
    await expect.poll(async () => await countOf('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(1)
    expect(backend.sent.size).toBe(0)
    isDown = false
    await expect.poll(() => [...backend.sent.values()][0]?.points.length, WAIT).toBe(500)
    expect([...backend.sent.values()][0]?.points.map((point) => point.step)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 1),
    )
    await expect
      .poll(async () => await experimentOf({ id: journal.jobId }, 'mlflow'), WAIT)
      .toEqual({ backend: 'mlflow', state: 'open', url: expect.any(String) })
    await expect.poll(async () => await countOf('trainyard_observability_circuit_open', 'mlflow'), WAIT).toBe(0)
  })

  it('does not forget an attempt that it postpones and claims at the same moment', async () => {
    let failures = 0
    const { adapter } = memoryAdapter('mlflow', async () => {
      failures++
      throw new Error('unavailable')
    })
    await start([], {}, played)
    const { context } = harness.runner
    // The query that postpones it takes effect at once, but its result arrives late.
    const postponed = new WeakSet<object>()
    const delayResult: KyselyPlugin = {
      transformQuery: ({ node, queryId }) => {
        if (JSON.stringify(node).includes('failures = e.failures + 1')) postponed.add(queryId)
        return node
      },
      transformResult: async ({ result, queryId }) => {
        if (postponed.has(queryId)) await sleep(50)
        return result
      },
    }
    const database = { ...context.database, db: context.database.db.withPlugin(delayResult) }
    const feed = new Feed({ ...context, database }, adapter, {
      instanceId: 'of-this-test',
      jobPages: harness.url,
      limits: { ...QUICK, intervalMs: 1, retryMs: 1, circuitThreshold: 1_000_000 },
    })
    feed.start()
    try {
      await (await openJournal(harness)).send(1, [progress(1)])
      // A forgotten attempt would not be sent again until its lease of a minute expires.
      await expect.poll(() => failures, WAIT).toBeGreaterThan(5)
    } finally {
      await feed.stop()
    }
  })

  it('skips what a backend refuses, counts and reports it, and continues', async () => {
    const { adapter, sent } = memoryAdapter('mlflow')
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
    await expect.poll(async () => await countOf('trainyard_observability_dropped_total', 'mlflow'), WAIT).toBe(1)
    await journal.send(2, [progress(2)])
    await expect.poll(() => [...sent.values()][0]?.points.length, WAIT).toBe(1)
    expect(await experimentOf({ id: journal.jobId }, 'mlflow')).toMatchObject({
      state: 'open',
      lastError: 'no such thing as "bad"',
    })
  })

  it('skips the oldest events if a backend is too far behind, and reports their number', async () => {
    let isDown = true
    const backend = memoryAdapter('mlflow', async () => {
      if (isDown) throw new Error('unavailable')
    })
    await start([backend.adapter], { maxBehind: 100 }, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 350 }, (_, index) => progress(index + 1)),
    )
    isDown = false
    await expect.poll(() => [...backend.sent.values()][0]?.points.at(-1)?.step, WAIT).toBe(350)
    expect([...backend.sent.values()][0]?.points[0]?.step).toBe(251)
    await expect.poll(async () => await countOf('trainyard_observability_dropped_total', 'mlflow'), WAIT).toBe(250)
    expect((await experimentOf({ id: journal.jobId }, 'mlflow'))?.lastError).toMatch(/^250 events were skipped/)
  })

  it('continues at its position after a restart, and repeats only the batch in progress', async () => {
    const first = memoryAdapter('mlflow', async () => {})
    await start([first.adapter], { batchSize: 10 }, played)
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 30 }, (_, index) => progress(index + 1)),
    )
    await expect.poll(() => [...first.sent.values()][0]?.points.length, WAIT).toBe(30)
    // As after a crash between the backend's response and the moment at which it is stored.
    await expect.poll(async () => (await experimentOf({ id: journal.jobId }, 'mlflow'))?.state, WAIT).toBe('open')
    await sql`update experiments set seq = 20`.execute(harness.runner.context.database.db)
    await expect.poll(() => [...first.sent.values()][0]?.points.length, WAIT).toBe(40)
    const steps = [...first.sent.values()][0]?.points.map((point) => point.step)
    expect(steps?.slice(30)).toEqual(Array.from({ length: 10 }, (_, index) => index + 21))
  })

  it('never sends an attempt from two replicas at the same time', async () => {
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
      await expect.poll(() => [...shared.sent.values()][0]?.points.length, WAIT).toBeGreaterThanOrEqual(200)
      expect([...shared.sent.values()][0]?.points.map((point) => point.step)).toEqual(
        Array.from({ length: 200 }, (_, index) => index + 1),
      )
      expect(shared.maxConcurrency()).toBe(1)
    } finally {
      await second.stop()
    }
  })
})
