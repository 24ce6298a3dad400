import { ArtifactList, LogPage, MetricSeriesList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, startHarness } from '../testing/harness.ts'

describe('running a trainer', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ start: true })
  })
  afterAll(() => harness.close())

  it('runs a plain HTTP trainer from submit to success, with metrics, logs and a checkpoint', async () => {
    const created = await harness.createJob({ config: { epochs: 4 } })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({
      state: 'succeeded',
      endReason: 'completed',
      attempt: 1,
      progress: { fraction: 1, epoch: 4, totalEpochs: 4 },
      latestMetrics: { accuracy: 1, loss: 0.25 },
      result: { operation: 'train', bestEpoch: 4 },
      primaryMetric: { name: 'accuracy', goal: 'maximize' },
    })
    const metrics = MetricSeriesList.parse(await (await harness.request(`/v1/jobs/${job.id}/metrics`)).json())
    expect(metrics.series.map((series) => [series.name, series.count])).toEqual([
      ['accuracy', 4],
      ['loss', 4],
    ])
    expect(metrics.series[1]?.points.map((point) => point.value)).toEqual([1, 'NaN', 1 / 3, 0.25])
    const { artifacts } = ArtifactList.parse(await (await harness.request(`/v1/jobs/${job.id}/artifacts`)).json())
    expect(artifacts).toMatchObject([{ kind: 'checkpoint', name: 'weights/best.bin', epoch: 4, sizeBytes: 8000 }])
    const file = await fetch(artifacts[0]?.url ?? '')
    expect((await file.text()).startsWith('weights weights')).toBe(true)
  })

  it('stores the output of the trainer, without lines that are in its journal', async () => {
    const created = await harness.createJob()
    await harness.waitFor(created.id, isOver)
    const { lines } = LogPage.parse(await (await harness.request(`/v1/jobs/${created.id}/logs`)).json())
    const seen = lines.map((line) => [line.source, line.level, line.message])
    expect(seen).toContainEqual(['stdout', 'info', 'plain line from attempt 1'])
    expect(seen).toContainEqual(['stderr', 'warning', 'something on stderr'])
    expect(seen.filter(([, , message]) => message === 'this one is in the journal too')).toEqual([
      ['journal', 'info', 'this one is in the journal too'],
    ])
  })

  it.each([
    ['exit-0', 'failed', 'exited_without_result'],
    ['exit-1', 'failed', 'training_error'],
    ['exit-3', 'failed', 'config_error'],
    ['failed', 'failed', 'dataset_error'],
    ['crash-after-completed', 'succeeded', 'completed'],
  ])('ends a job whose trainer ends with %s as %s: %s', async (ending, state, endReason) => {
    const created = await harness.createJob({ config: { ending, epochs: 1 } })
    const job = await harness.waitFor(created.id, isOver)
    expect({ state: job.state, endReason: job.endReason }).toEqual({ state, endReason })
    if (ending === 'exit-1') expect(job.error?.message).toContain('something on stderr')
  })

  it('retries within the limit and reports which attempt succeeded', async () => {
    const created = await harness.createJob({ maxRetries: 2, config: { epochs: 1, fail_attempts: 2 } })
    const job = await harness.waitFor(created.id, isOver)
    expect({ state: job.state, attempt: job.attempt }).toEqual({ state: 'succeeded', attempt: 3 })
  })

  it('ends a job as failed after its last retry', async () => {
    const created = await harness.createJob({ maxRetries: 1, config: { epochs: 1, fail_attempts: 9 } })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'failed', attempt: 2, endReason: 'training_error' })
  })

  it('retries a trainer that could not reach the platform without charge', async () => {
    const created = await harness.createJob({ config: { epochs: 1, ending: 'exit-2' } })
    const job = await harness.waitFor(created.id, (now) => now.attempt >= 3)
    await harness.request(`/v1/jobs/${job.id}/cancel`, { method: 'POST' })
    await harness.waitFor(created.id, isOver)
  })

  it('cancels a running trainer, which stops early', async () => {
    const created = await harness.createJob({ config: { epochs: 1000, epoch_ms: 20 } })
    await harness.waitFor(created.id, (job) => (job.progress.epoch ?? 0) > 2)
    const answer = await harness.request(`/v1/jobs/${created.id}/cancel`, { method: 'POST' })
    expect(await answer.json()).toMatchObject({ cancelRequested: true })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    expect(job.progress.epoch).toBeLessThan(1000)
  })

  it('kills a trainer that ignores a cancel, after the grace period', async () => {
    const short = await startHarness({ start: true, config: { cancelGraceSeconds: 0.3 } })
    try {
      const created = await short.createJob({ config: { epochs: 1, ending: 'hang' } })
      await short.waitFor(created.id, (job) => job.progress.epoch === 1)
      await short.request(`/v1/jobs/${created.id}/cancel`, { method: 'POST' })
      const job = await short.waitFor(created.id, isOver)
      expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    } finally {
      await short.close()
    }
  })

  it('ends an attempt at its deadline', async () => {
    const created = await harness.createJob({ deadlineSeconds: 1, config: { epochs: 1000, epoch_ms: 20 } })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'failed', endReason: 'deadline' })
  })

  it('restarts a finished job as a new attempt, and deletes it with all its data', async () => {
    const created = await harness.createJob({ config: { epochs: 1 } })
    await harness.waitFor(created.id, isOver)
    const restarted = await harness.request(`/v1/jobs/${created.id}/restart`, { method: 'POST' })
    expect(await restarted.json()).toMatchObject({
      // The supervisor may be faster than the answer.
      state: expect.stringMatching(/^(pending|queued)$/),
      attempt: 2,
    })
    const job = await harness.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'succeeded', attempt: 2 })
    await expect
      .poll(async () => (await harness.request(`/v1/jobs/${created.id}`, { method: 'DELETE' })).status, {
        timeout: 60_000,
      })
      .toBe(204)
    expect((await harness.request(`/v1/jobs/${created.id}`)).status).toBe(404)
  })
})

describe('trainers that stop reporting', () => {
  // In each case the other limit is long, because on a busy machine both could expire.
  it.each([
    [
      'is never heard',
      { ending: 'silent' },
      { startTimeoutSeconds: 0.5, heartbeatTimeoutSeconds: 300 },
      'start_timeout',
    ],
    [
      'stops talking',
      { ending: 'hang', epochs: 1 },
      { startTimeoutSeconds: 300, heartbeatTimeoutSeconds: 1 },
      'heartbeat_lost',
    ],
  ] as const)('gives up one that %s', async (_what, config, limits, endReason) => {
    const harness = await startHarness({ start: true, config: { ...limits, cancelGraceSeconds: 0.2 } })
    try {
      const job = await harness.createJob({ config })
      expect(await harness.waitFor(job.id, isOver)).toMatchObject({ state: 'failed', endReason })
    } finally {
      await harness.close()
    }
  })
})
