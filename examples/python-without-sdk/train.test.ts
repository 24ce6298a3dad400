import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startTestPlatform, type TestPlatform } from '@trainyard/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const noPython = spawnSync('python3', ['--version']).status !== 0
if (noPython) console.warn('skipped: this trainer needs python3, which is not installed')

describe.skipIf(noPython)('the Python trainer', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    const databaseUrl = process.env.TEST_DATABASE_URL ?? ''
    // The seed decides the faults, so every run has the same.
    const trainerDir = fileURLToPath(new URL('.', import.meta.url))
    platform = await startTestPlatform({ trainerDir, databaseUrl, faults: { seed: 7 } })
  })
  afterAll(() => platform?.close())

  it('trains and predicts on a platform with faults', async () => {
    const trained = await platform.runJob({ config: { epochs: 20 } })
    expect(trained.job.state, trained.output).toBe('succeeded')
    expect(trained.job.latestMetrics.top1_accuracy).toBeGreaterThan(0.9)
    expect(trained.events.filter(({ type }) => type === 'progress').at(-1)?.body).toMatchObject({ epoch: 20 })

    expect(platform.faults.log.length).toBeGreaterThan(0)

    const [checkpoint] = trained.artifacts
    expect(checkpoint?.name).toBe('best.json')
    const predicted = await platform.runJob({ operation: 'predict', checkpoint: checkpoint?.id })
    expect(predicted.job.state, predicted.output).toBe('succeeded')
    const predictions = predicted.events.filter(({ type }) => type === 'prediction')
    expect(predictions).toHaveLength(12)
    const right = predictions.filter(({ body }) => {
      const [found] = body.predictions as { className: string }[]
      return String(body.imageName).includes(`/${found?.className}/`)
    })
    expect(right.length).toBeGreaterThan(10)
  })
})
