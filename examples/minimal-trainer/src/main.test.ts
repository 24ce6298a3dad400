import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestPlatform, type TestPlatform, writeTestDataset } from '@trainyard/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let platform: TestPlatform

// Jobs are real processes, and PostgreSQL starts first.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

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

test('trains without a platform', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'minimal-trainer-'))
  try {
    const dataset = await writeTestDataset(join(dir, 'data'))
    const args = [join(root, 'dist/main.js'), 'train', '--dataset', dataset, '--epochs', '2']
    await promisify(execFile)(process.execPath, args, { cwd: dir, env: { PATH: process.env.PATH } })
    expect(JSON.parse(await readFile(join(dir, 'runs/1/best.json'), 'utf8'))).toBeTypeOf('object')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
