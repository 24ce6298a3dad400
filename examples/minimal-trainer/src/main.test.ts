import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestPlatform, type TestPlatform } from '@trainyard/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let platform: TestPlatform

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['build.ts'], { cwd: root })
  platform = await startTestPlatform({
    trainerDir: root,
    // The seed decides the faults, so every run has the same.
    faults: { seed: 7 },
    // Default: a PostgreSQL that is started for the test.
    databaseUrl: process.env.TEST_DATABASE_URL,
  })
})
afterAll(() => platform?.close())

test('trains and predicts on a platform with faults', async () => {
  const trained = await platform.runJob({ config: { epochs: 15 } })
  expect(trained.job.state, trained.output).toBe('succeeded')
  expect(trained.job.latestMetrics.top1_accuracy).toBeGreaterThan(0.9)
  expect(platform.faults.log.length).toBeGreaterThan(0)

  const checkpoint = trained.artifacts.find(({ kind }) => kind === 'checkpoint')
  const predicted = await platform.runJob({ operation: 'predict', checkpoint: checkpoint?.id })
  expect(predicted.job.state, predicted.output).toBe('succeeded')
  expect(predicted.job.result).toMatchObject({ operation: 'predict', imageCount: 12 })
})

test('stops when the job is cancelled', async () => {
  const { id } = await platform.client.jobs.create({
    trainer: platform.manifest.name,
    dataset: platform.datasetId,
    config: { epochs: 10_000 },
  })
  for await (const message of platform.client.jobs.live(id)) {
    if (message.type === 'metrics') await platform.client.jobs.cancel(id)
  }
  const { job, events, output } = await platform.readJob(id)
  expect(job.state, output).toBe('cancelled')
  expect(events.at(-1)?.type).toBe('cancelled')
})
