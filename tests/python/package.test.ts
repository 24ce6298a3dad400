import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestPlatform, type TestPlatform } from '@trainyard/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE, runPythonTests } from './support/python-tests.ts'

const noPython = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status !== 0
if (noPython) console.warn('skipped: the Python package needs python3, version 3.9 or newer, which is not installed')

describe.skipIf(noPython)('the Python package', () => {
  it('passes its own tests', async () => {
    const { code, output } = await runPythonTests('python3')
    expect(code, output).toBe(0)
    expect(output).toMatch(/Ran \d{2,} tests/)
  })
})

/** The program does not change: it finds the bridge, or speaks HTTP itself. */
const WAYS = [
  { way: 'behind the bridge', hasBridge: true, faults: undefined },
  { way: 'over HTTP, with faults', hasBridge: false, faults: { seed: 11 } },
]

describe.skipIf(noPython).each(WAYS)(
  'a trainer that uses the Python package $way, on the real runner',
  ({ hasBridge, faults }) => {
    let platform: TestPlatform
    let trainerDir: string
    beforeAll(async () => {
      trainerDir = mkdtempSync(join(tmpdir(), 'trainyard-python-'))
      cpSync(fileURLToPath(new URL('fixtures/trainer', import.meta.url)), trainerDir, { recursive: true })
      cpSync(join(PACKAGE, 'src'), trainerDir, { recursive: true, filter: (path) => !path.endsWith('__pycache__') })
      if (!hasBridge) {
        const file = join(trainerDir, 'trainer.json')
        const { bridge: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'))
        writeFileSync(file, JSON.stringify(manifest))
      }
      platform = await startTestPlatform({ trainerDir, databaseUrl: process.env.TEST_DATABASE_URL ?? '', faults })
    })
    afterAll(async () => {
      await platform?.close()
      rmSync(trainerDir, { recursive: true, force: true })
    })

    it('trains: metrics, validations, files that are overwritten at once, a folder, logs with their levels', async () => {
      const { job, events, artifacts, output } = await platform.runJob()
      expect(job.state, output).toBe('succeeded')
      expect(job.latestMetrics).toMatchObject({ loss: 1 / 3, top1_accuracy: 0.75 })
      const ofType = (type: string) => events.filter((event) => event.type === type).map(({ body }) => body)
      expect(ofType('progress').filter(({ metrics }) => metrics !== undefined)).toMatchObject(
        [1, 2, 3].map((epoch) => ({ epoch, totalEpochs: 3, metrics: { loss: 1 / epoch } })),
      )
      expect(ofType('validation')[2]).toMatchObject({
        epoch: 3,
        confusionMatrix: { classes: ['bottom', 'middle', 'top'] },
      })
      expect(ofType('checkpoint').at(-1)).toMatchObject({ epoch: 3 })
      expect(artifacts.map(({ name }) => name)).toEqual(expect.arrayContaining(['best.json', 'last.json', 'plots.tar']))
      expect(output).toContain("warning: classes ['bottom', 'middle', 'top'], resumed from None")
      expect(output).toContain('info: ended, cancelled: False')
      expect(output).not.toMatch(/of the events/)
    })

    it('reports memory of the GPU that ran out as such, with what to do', async () => {
      const { job } = await platform.runJob({ config: { mode: 'memory' } })
      expect(job).toMatchObject({ state: 'failed', error: { errorType: 'ResourceError' } })
      expect(job.error?.message).toMatch(/^RuntimeError: CUDA out of memory.*use a smaller batch/s)
      expect(job.error?.traceback).toContain('in train')
    })

    it('ends on a cancel with its last checkpoint, and continues after it', async () => {
      const { client, datasetId: dataset, manifest } = platform
      const config = { epochs: 200, mode: 'slow' }
      const { id } = await client.jobs.create({ trainer: manifest.name, dataset, config })
      const until = async (reached: () => Promise<boolean>) => {
        while (!(await reached())) await new Promise((done) => setTimeout(done, 50))
      }
      await until(async () => (await client.jobs.artifacts(id)).artifacts.some(({ name }) => name === 'last.json'))
      await client.jobs.cancel(id)
      await until(async () => (await client.jobs.get(id)).state === 'cancelled')
      const cancelled = await platform.readJob(id)
      expect(cancelled.output).toContain('info: ended, cancelled: True')
      const saved = cancelled.events.findLast(({ type }) => type === 'checkpoint')?.body.epoch as number
      await client.jobs.restart(id)
      await until(async () =>
        (await client.jobs.logs(id, { limit: 500 })).lines.some(
          ({ attempt, message }) => attempt === 2 && message.includes('resumed from /'),
        ),
      )
      await until(async () =>
        (await platform.readJob(id)).events.some(
          ({ attempt, type, body }) => attempt === 2 && type === 'progress' && body.metrics !== undefined,
        ),
      )
      await client.jobs.cancel(id)
      await until(async () => (await client.jobs.get(id)).state === 'cancelled')
      const { events } = await platform.readJob(id)
      const first = events.find(
        ({ attempt, type, body }) => attempt === 2 && type === 'progress' && body.metrics !== undefined,
      )
      expect(first?.body.epoch).toBe(saved + 1)
    })

    it('predicts', async () => {
      const trained = await platform.runJob({ config: { epochs: 1 } })
      const checkpoint = trained.artifacts.find(({ name }) => name === 'best.json')?.id
      const { job, events, output } = await platform.runJob({ operation: 'predict', checkpoint })
      expect(job.state, output).toBe('succeeded')
      expect(events.filter(({ type }) => type === 'prediction').length).toBeGreaterThan(3)
    })
  },
)
