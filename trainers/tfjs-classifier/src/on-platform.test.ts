import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestPlatform, type TestPlatform } from '@trainyard/sdk/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let platform: TestPlatform

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['build.ts'], { cwd: root })
  const databaseUrl = process.env.TEST_DATABASE_URL ?? ''
  // Faults by seed: what a platform does on a bad day, the same in every run.
  platform = await startTestPlatform({ trainerDir: root, faults: { seed: 11 }, databaseUrl })
})
afterAll(() => platform?.close())

test('trains, predicts and exports on a platform that misbehaves', async () => {
  const trained = await platform.runJob({ config: { epochs: 3, imgsz: 14 }, timeoutMs: 240_000 })
  expect(trained.job.state, trained.output).toBe('succeeded')
  expect(platform.faults.log.length).toBeGreaterThan(0)
  // Whatever was sent twice or late: each epoch once, in order, and the end last.
  const epochs = trained.events.flatMap(({ type, body }) =>
    type === 'progress' && body.step === undefined && body.epoch !== undefined ? [body.epoch] : [],
  )
  expect(epochs).toEqual([1, 2, 3])
  expect(trained.events.at(-1)?.type).toBe('completed')

  const checkpoint = trained.artifacts.find(({ name }) => name.startsWith('best'))
  expect(checkpoint, trained.output).toBeDefined()
  const predicted = await platform.runJob({ operation: 'predict', checkpoint: checkpoint?.id, timeoutMs: 240_000 })
  expect(predicted.job.state, predicted.output).toBe('succeeded')
  expect(predicted.job.result).toMatchObject({ operation: 'predict', imageCount: 12 })

  const exported = await platform.runJob({
    operation: 'export',
    exportFormat: 'tfjs',
    checkpoint: checkpoint?.id,
    timeoutMs: 240_000,
  })
  expect(exported.job.state, exported.output).toBe('succeeded')
  expect(exported.artifacts.map(({ kind }) => kind)).toContain('export')
}, 600_000)
