import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startTestPlatform, type TestPlatform } from '@trainyard/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const program: Record<string, string> = { curl: 'curl', python: 'python3' }
const isMissing = (model: string) => spawnSync(program[model] ?? '', ['--version']).status !== 0

describe.each(['curl', 'python'])('the trainer that reports with %s', (model) => {
  let platform: TestPlatform
  beforeAll(async () => {
    const databaseUrl = process.env.TEST_DATABASE_URL ?? ''
    platform = await startTestPlatform({ trainerDir: fileURLToPath(new URL('.', import.meta.url)), databaseUrl })
  })
  afterAll(() => platform?.close())
  if (isMissing(model)) console.warn(`skipped: this trainer needs ${program[model]}, which is not installed`)

  it.skipIf(isMissing(model))('reports every epoch and its end', async () => {
    const { job, events, artifacts, output } = await platform.runJob({ model, config: { epochs: 4 } })
    expect(job.state, output).toBe('succeeded')
    expect(events[0]?.type).toBe('started')
    expect(events.find(({ type }) => type === 'checkpoint')?.body).toMatchObject({
      name: 'last',
      artifactId: artifacts[0]?.id,
    })
    expect(job).toMatchObject({ progress: { epoch: 4, totalEpochs: 4 }, result: { operation: 'train' } })
    // Learnt from the images: the same rows in the same order, in both languages.
    expect(job.latestMetrics.accuracy).toBe(1)
    expect(job.latestMetrics.loss).toBeCloseTo(0.07, 2)
    expect(events.filter(({ type }) => type === 'progress')).toHaveLength(4)
    expect(events.map(({ type }) => type)).toContain('validation')
    expect(events.at(-1)?.type).toBe('completed')
  })

  it.skipIf(isMissing(model))('stops when the job is cancelled', async () => {
    const job = await platform.client.jobs.create({
      trainer: platform.manifest.name,
      dataset: platform.datasetId,
      model,
      config: { epochs: 5000 },
    })
    await expect
      .poll(async () => (await platform.client.jobs.get(job.id)).progress.epoch ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(0)
    await platform.client.jobs.cancel(job.id)
    const state = async () => (await platform.client.jobs.get(job.id)).state
    while ((await state()) === 'running') await sleep(50)
    const { job: ended, events } = await platform.readJob(job.id)
    expect(ended).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    expect(events.at(-1)?.type).toBe('cancelled')
  })
})
