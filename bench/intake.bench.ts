/**
 * Metrics from 20 connections, beside MLflow's tracking server on the same PostgreSQL: batches of 1, 10, 500 and 1000 points,
 * of one job and of twenty. A step reports up to ten metrics, as trainers do; one row has an event for every point.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { Connections, measureThroughput, type Throughput } from './lib/load.ts'
import { type MlflowServer, peakMegabytes, startMlflow } from './lib/mlflow.ts'
import type { Bench, BenchRow } from './lib/report.ts'
import { type IntakeServer, type OpenJob, startIntakeServer } from './lib/start-intake-server.ts'

const CONNECTIONS = 20
const NAMES = Array.from({ length: 10 }, (_, index) => `train/metric_${index}`)

interface Shape {
  points: number
  jobs: number
  /** Metrics of one step. */
  width: number
}

interface Side {
  measure(shape: Shape, seconds: number): Promise<Throughput>
}

/** Ours: the journal. Connections of one job share its numbers, as one sender with requests in flight does. */
function ours(url: string, fresh: () => OpenJob): Side {
  return {
    async measure({ points, jobs, width }, seconds) {
      const connections = new Connections(url, CONNECTIONS)
      const attempts = Array.from({ length: jobs }, () => ({ ...fresh(), seq: 0 }))
      const send = async (connection: number) => {
        const attempt = attempts[connection % jobs]
        if (attempt === undefined) throw new Error('no such attempt')
        const first = attempt.seq + 1
        const count = Math.ceil(points / width)
        attempt.seq += count
        const body = journalBody(first, count, points, width)
        for (let tries = 0; ; tries++) {
          const { authorization } = attempt
          const answer = await connections.post(`/v1/jobs/${attempt.id}/events`, body, { authorization })
          if (answer.status === 200) return
          // Another connection of this job was overtaken; what is missing is on its way.
          if (answer.status !== 409 || tries > 50) throw new Error(`${answer.status} ${answer.text}`)
        }
      }
      const result = await measureThroughput(CONNECTIONS, seconds, points, send)
      connections.close()
      return result
    },
  }
}

function journalBody(first: number, count: number, points: number, width: number): string {
  const time = new Date().toISOString()
  const events: string[] = []
  for (let index = 0; index < count; index++) {
    const names = NAMES.slice(0, Math.min(width, points - index * width))
    const metrics = names.map((name) => `"${name}":${Math.random()}`).join(',')
    const seq = first + index
    events.push(`{"seq":${seq},"time":"${time}","type":"progress","epoch":1,"step":${seq},"metrics":{${metrics}}}`)
  }
  return `{"attempt":1,"events":[${events.join(',')}]}`
}

/** MLflow: `runs/log-batch`, which takes at most 1,000 points. */
async function mlflow(url: string): Promise<Side> {
  const call = async (path: string, body: unknown) => {
    // Not kept: while ours is measured, MLflow closes what is idle for five seconds.
    const setup = new Connections(url, 1)
    const answer = await setup.post(`/api/2.0/mlflow/${path}`, JSON.stringify(body))
    setup.close()
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return JSON.parse(answer.text) as { experiment_id?: string; run?: { info: { run_id: string } } }
  }
  const { experiment_id } = await call('experiments/create', { name: 'intake' })
  return {
    async measure({ points, jobs, width }, seconds) {
      const runs: { id: string; step: number }[] = []
      for (let count = 0; count < jobs; count++) {
        const { run } = await call('runs/create', { experiment_id, start_time: Date.now() })
        runs.push({ id: run?.info.run_id ?? '', step: 0 })
      }
      const connections = new Connections(url, CONNECTIONS)
      const send = async (connection: number) => {
        const run = runs[connection % jobs]
        if (run === undefined) throw new Error('no such run')
        const timestamp = Date.now()
        const first = run.step
        run.step += Math.ceil(points / width)
        const metrics = Array.from({ length: points }, (_, index) => ({
          key: NAMES[index % width],
          value: Math.random(),
          timestamp,
          step: first + Math.floor(index / width),
        }))
        const body = JSON.stringify({ run_id: run.id, metrics })
        for (let tries = 0; ; tries++) {
          const answer = await connections.post('/api/2.0/mlflow/runs/log-batch', body)
          if (answer.status === 200) return
          if (tries > 5) throw new Error(`log-batch: ${answer.status} ${answer.text.slice(0, 300)}`)
        }
      }
      const result = await measureThroughput(CONNECTIONS, seconds, points, send)
      connections.close()
      return result
    },
  }
}

const SHAPES: readonly Shape[] = [1, 20].flatMap((jobs) => [
  { points: 1, jobs, width: 1 },
  { points: 10, jobs, width: 10 },
  { points: 500, jobs, width: 10 },
  { points: 1000, jobs, width: 10 },
])
const WORST: Shape = { points: 1000, jobs: 20, width: 1 }

export const bench: Bench = async ({ small }) => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bench-intake-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  let runner: IntakeServer | undefined
  let peer: MlflowServer | undefined
  try {
    const shapes = small ? [SHAPES[0], SHAPES[7]].filter((shape) => shape !== undefined) : [...SHAPES, WORST]
    const jobs = shapes.reduce((sum, shape) => sum + shape.jobs, 0) * 2
    const started = await startIntakeServer(postgres.url, jobs)
    runner = started
    const side = ours(started.url, () => {
      const job = started.jobs.pop()
      if (job === undefined) throw new Error('too few jobs were opened')
      return job
    })
    peer = small ? undefined : await startMlflow(postgres.url, join(dir, 'mlflow'))
    const other = peer === undefined ? undefined : await mlflow(peer.url)

    const rows: BenchRow[] = []
    for (const shape of shapes) {
      // What is compiled and planned at first use is not what a day of training costs.
      await side.measure(shape, small ? 0.1 : 0.7)
      const mine = await side.measure(shape, small ? 0.3 : 3)
      const theirs = await other?.measure(shape, 5)
      rows.push(...rowsOf(shape, mine, theirs))
    }
    const memory = peer === undefined ? undefined : { name: 'MLflow', value: peakMegabytes(peer.pid) }
    const ownMemory = peakMegabytes(runner.child.pid ?? 0)
    rows.push({ what: 'peak memory of the server', ours: ownMemory, unit: 'MB', peer: memory, goal: 'for the record' })
    const load = loadavg()[0] ?? 0
    return [...rows, { what: 'load of the machine at the end', ours: load, unit: '', goal: 'for the record' }]
  } finally {
    await runner?.stop()
    await peer?.stop()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

function rowsOf({ points, jobs, width }: Shape, mine: Throughput, theirs: Throughput | undefined): BenchRow[] {
  const events = width === 1 && points > 1 ? ', an event each' : ''
  const what = `batches of ${points}${events}, ${jobs} job${jobs === 1 ? '' : 's'}`
  const peerOf = (value: number | undefined) => (value === undefined ? undefined : { name: 'MLflow', value })
  return [
    { what, ours: mine.perSecond, unit: 'points/s', peer: peerOf(theirs?.perSecond), goal: 'ratio ≥ 10' },
    { what: `${what}: p99`, ours: mine.p99Ms, unit: 'ms', peer: peerOf(theirs?.p99Ms), goal: 'ratio ≤ 0.2' },
  ]
}
