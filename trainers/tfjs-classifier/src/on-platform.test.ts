import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isTerminalJobState } from '@trainyard/contract'
import { startTestPlatform, type TestJob, type TestPlatform } from '@trainyard/testing'
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

test('goes on behind the last epoch of an attempt that was cancelled', async () => {
  const total = 40
  const { client } = platform
  const { id } = await client.jobs.create({
    trainer: platform.manifest.name,
    dataset: platform.datasetId,
    config: { epochs: total, imgsz: 14 },
  })
  for await (const message of client.jobs.live(id)) {
    const job = message.type === 'snapshot' || message.type === 'job' ? message.job : undefined
    if ((job?.progress.epoch ?? 0) >= 5) break
    if (job?.finishedAt !== undefined) break
  }
  await client.jobs.cancel(id)
  const first = await ended(id)
  expect(first.job.state, first.output).toBe('cancelled')
  const before = epochsOf(first, 1)
  const stoppedAt = before.at(-1) ?? 0
  expect(stoppedAt).toBeGreaterThanOrEqual(5)
  expect(stoppedAt).toBeLessThan(total)

  await client.jobs.restart(id)
  const second = await ended(id)
  expect(second.job.state, second.output).toBe('succeeded')
  expect(second.job.attempt).toBe(2)
  const after = epochsOf(second, 2)
  // None twice, none left out.
  expect(after).toEqual(Array.from({ length: total - stoppedAt }, (_, index) => stoppedAt + 1 + index))
  expect(second.output).toContain(`Going on behind epoch ${stoppedAt} of ${total}`)
}, 600_000)

const epochsOf = ({ events }: TestJob, attempt: number) =>
  events.flatMap((event) =>
    event.attempt === attempt &&
    event.type === 'progress' &&
    event.body.step === undefined &&
    typeof event.body.epoch === 'number'
      ? [event.body.epoch]
      : [],
  )

async function ended(id: number): Promise<TestJob> {
  for (;;) {
    const test = await platform.readJob(id)
    if (isTerminalJobState(test.job.state)) return test
    await sleep(200)
  }
}
