import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, LogPage, StoredEventPage } from '@trainyard/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isOver } from '../testing/harness.ts'
import { type KillableRunner, startKillableRunner } from '../testing/killable-runner.ts'
import type { SeenExperiment } from './adapter.cases.ts'
import { parseExposition } from './testing/parse-exposition.ts'
import { type BackendProxy, startBackendProxy } from './testing/proxy.ts'
import { mlflowReader } from './testing/read-mlflow.ts'
import { startReceiver } from './testing/receiver.ts'

export interface WholeJobSetup {
  mlflowUrl: string
  /** Reads the event files of a folder. */
  readTensorboard(dir: string): Promise<SeenExperiment['points']>
  close?(): Promise<void>
}

const EPOCHS = 40
const WAIT = { timeout: 60_000, interval: 100 }
interface Push {
  streams: { values: [string, string][] }[]
}

/** One job with several backends, one of them unavailable, while its runner is killed twice. */
export function wholeJobCases(name: string, setUp: () => Promise<WholeJobSetup>): void {
  describe(`a whole job with several backends, ${name}`, () => {
    const cleanups: (() => Promise<void>)[] = []
    const closeLater = <T extends { close?(): Promise<void> }>(thing: T): T => {
      cleanups.push(async () => await thing.close?.())
      return thing
    }
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    it('is stored exactly once in each available backend although its runner was killed, and later in the unavailable one', async () => {
      const setup = closeLater(await setUp())
      const proxy = closeLater(await startBackendProxy(setup.mlflowUrl))
      const lokiPort = await freePort()
      const experiment = `trainyard-whole-${randomBytes(4).toString('hex')}`
      const tensorboardDir = closeLater(await temporaryFolder()).dir
      const runner = await startKillableRunner({
        logLevel: 'info',
        observability: {
          OBSERVABILITY_BACKENDS: 'database,mlflow,tensorboard',
          MLFLOW_TRACKING_URI: proxy.url,
          MLFLOW_EXPERIMENT_NAME: experiment,
          TENSORBOARD_DIR: tensorboardDir,
          LOKI_URL: `http://127.0.0.1:${lokiPort}`,
          PAGES_URL: 'http://pages.test',
        },
      })
      closeLater(runner)

      const killed = killAfterPoints(proxy, runner)
      const { id } = await runner.createJob({ epochs: EPOCHS, epoch_ms: 50 })
      await killed
      await sleep(300)
      await runner.restart()
      await runner.waitFor(id, (job) => (job.progress.epoch ?? 0) >= 25)
      await runner.kill()
      await runner.restart()
      const job = await runner.waitFor(id, isOver)
      expect(job).toMatchObject({ state: 'succeeded', attempt: 1, progress: { epoch: EPOCHS } })
      await expect
        .poll(async () => await statesOf(runner, id), WAIT)
        .toEqual({ database: 'finished', loki: 'failing', mlflow: 'finished', tensorboard: 'finished' })

      const expected = await storedPoints(runner, id)
      expect(expected).toHaveLength(2 * EPOCHS)
      const reader = mlflowReader(proxy.url)
      // The killed runner had created the run, and the next ones found it.
      const [runId = '', ...others] = await reader.listRuns(experiment)
      expect(others).toEqual([])
      const run = await reader.read(runId)
      expect(listed(run.points)).toEqual(listed(expected))
      expect(run).toMatchObject({ state: 'succeeded', params: { 'basic.epochs': String(EPOCHS) } })
      expect(linkOf(await runner.waitFor(id, isOver), 'mlflow')).toContain(`/runs/${runId}`)
      const drawn = await setup.readTensorboard(join(tensorboardDir, String(id), '1'))
      const single = expected.map((point) => ({ ...point, value: Math.fround(point.value) }))
      expect(listed(drawn)).toEqual(listed(single))

      // /metrics and the log report what is missing, where and why.
      const { samples } = parseExposition(await (await fetch(`${runner.url}/metrics`)).text())
      const count = (metric: string, labels: Record<string, string>) =>
        samples
          .filter((sample) => sample.name === metric)
          .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
          .reduce((sum, sample) => sum + sample.value, 0)
      const experiments = 'trainyard_observability_experiments'
      expect(count(experiments, { backend: 'loki', state: 'failing' })).toBe(1)
      expect(count('trainyard_observability_failures_total', { backend: 'loki' })).toBeGreaterThan(0)
      expect(count('trainyard_observability_sent_total', { backend: 'loki', kind: 'lines' })).toBe(0)
      for (const backend of ['database', 'mlflow', 'tensorboard']) {
        expect(count(experiments, { backend }), backend).toBe(0)
        expect(count('trainyard_observability_dropped_total', { backend }), backend).toBe(0)
      }
      const warnings = runner.log.split('\n').filter((line) => line.includes('an observability backend failed'))
      expect(warnings.some((line) => line.includes('"backend":"loki"') && line.includes(String(lokiPort)))).toBe(true)

      // Loki is available again: every line arrives, in order.
      const loki = closeLater(await startReceiver(() => new Response(null, { status: 204 }), lokiPort))
      await expect.poll(async () => (await statesOf(runner, id)).loki, WAIT).toBe('finished')
      const pushed = loki.received.flatMap(({ text }) =>
        (JSON.parse(text) as Push).streams.flatMap((one) => one.values),
      )
      const messages = [...pushed].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1)).map(([, message]) => message)
      const { lines } = LogPage.parse(await runner.get(`/v1/jobs/${id}/logs?limit=1000`))
      expect(lines.length).toBeGreaterThan(0)
      expect(messages.sort()).toEqual(lines.map((line) => line.message).sort())
      expect(runner.log).toContain('the observability backend works again')
    })
  })
}

const LogBatch = z.object({ metrics: z.array(z.unknown()).optional() })

/**
 * Kills the runner at the worst moment: when MLflow has stored the points, and the runner has not stored its position yet. This
 * happens with the second batch, so that a position was stored before.
 */
async function killAfterPoints(proxy: BackendProxy, runner: KillableRunner): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let batches = 0
    proxy.answered = async ({ path, body }) => {
      if (!path.endsWith('/log-batch')) return
      const { metrics } = LogBatch.parse(JSON.parse(body))
      if (metrics === undefined) return
      batches++
      // A slow backend gets the points of the whole job at once.
      const isEnough = batches === 2 || (batches === 1 && metrics.length === 2 * EPOCHS)
      if (!isEnough) return
      batches = 2
      await runner.kill().then(resolve, reject)
    }
  })
}

async function statesOf(runner: KillableRunner, id: number): Promise<Record<string, string>> {
  const { experiments = [] } = await runner.waitFor(id, () => true)
  return Object.fromEntries(experiments.map(({ backend, state }) => [backend, state]))
}

const linkOf = (job: Job, backend: string) => job.experiments?.find((one) => one.backend === backend)?.url

/** The points of all stored events. */
async function storedPoints(runner: KillableRunner, id: number): Promise<SeenExperiment['points']> {
  const { events } = StoredEventPage.parse(await runner.get(`/v1/jobs/${id}/events?type=progress&limit=1000`))
  return events.flatMap(({ body, time }) =>
    Object.entries((body.metrics ?? {}) as Record<string, number | string>).map(([name, value]) => ({
      name,
      step: Number(body.epoch),
      value: Number(value),
      timeMs: Date.parse(String(time)),
    })),
  )
}

function listed(points: SeenExperiment['points']): string[] {
  return points.map(({ name, step, value, timeMs }) => `${name} ${step} ${value} ${timeMs}`).sort()
}

async function temporaryFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-whole-job-'))
  return { dir, close: async () => await rm(dir, { recursive: true, force: true }) }
}

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
