import { type JobState, JobState as JobStates } from '@trainyard/contract'
import type { Database } from '@trainyard/platform'
import { sql } from 'kysely'
import { Gauge } from 'prom-client'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { RunnerTelemetry } from './telemetry.ts'

/** Counts are read at most this often, whatever the number of scrapes. */
const MAX_AGE_MS = 5000
const QUEUE_STATES: readonly JobState[] = ['pending', 'queued', 'running']

interface Counts {
  jobs: { state: JobState; queue: string; count: number }[]
  backlog: { backend: string; state: string; count: number }[]
}

/**
 * Adds gauges that are read from the database at each scrape. All replicas report the same numbers, so use their maximum, not
 * their sum. Ended jobs are not included, because there can be millions; `trainyard_attempts_ended_total` counts them.
 */
export function addStateGauges(telemetry: RunnerTelemetry, database: Database<RunnerDatabase>): void {
  const registers = [telemetry.registry]
  let counts: Promise<Counts> | undefined
  let readAt = 0
  /** Undefined while the database does not answer, so that the other metrics are still reported. */
  const read = async (): Promise<Counts | undefined> => {
    if (counts === undefined || performance.now() - readAt > MAX_AGE_MS) {
      readAt = performance.now()
      counts = readCounts(database)
    }
    return await counts.catch(() => undefined)
  }

  const jobs = new Gauge({
    name: 'trainyard_jobs',
    help: 'Jobs that have not ended, by state and queue',
    labelNames: ['state', 'queue'],
    registers,
    async collect() {
      const current = await read()
      jobs.reset()
      if (current === undefined) return
      for (const state of QUEUE_STATES) jobs.set({ state, queue: 'default' }, 0)
      for (const { state, queue, count } of current.jobs) jobs.set({ state, queue }, count)
    },
  })
  const experiments = new Gauge({
    name: 'trainyard_observability_experiments',
    help: 'Experiments that a backend does not have completely, by state; "failing" ones are retried',
    labelNames: ['backend', 'state'],
    registers,
    async collect() {
      const current = await read()
      experiments.reset()
      for (const { backend, state, count } of current?.backlog ?? []) experiments.set({ backend, state }, count)
    },
  })
  const up = new Gauge({
    name: 'trainyard_database_up',
    help: '1 if the database answers, otherwise 0',
    registers,
    async collect() {
      await database.ping().then(
        () => up.set(1),
        () => up.set(0),
      )
    },
  })
  const pool = new Gauge({
    name: 'trainyard_database_connections',
    help: 'Database connections by state, and requests that wait for one',
    labelNames: ['state'],
    registers,
    collect() {
      const { total, idle, waiting } = database.pool()
      pool.set({ state: 'used' }, total - idle)
      pool.set({ state: 'idle' }, idle)
      pool.set({ state: 'waiting' }, waiting)
    },
  })
}

async function readCounts(database: Database<RunnerDatabase>): Promise<Counts> {
  const states = JobStates.options.filter((state) => QUEUE_STATES.includes(state))
  const jobs = await sql<Counts['jobs'][number]>`
    select state, queue, count(*)::int as count
    from jobs where state = any(${states}::text[]) group by 1, 2`.execute(database.db)
  const backlog = await sql<Counts['backlog'][number]>`
    select backend, case when failures > 0 then 'failing' else state end as state, count(*)::int as count
    from experiments where state in ('waiting', 'open') group by 1, 2`.execute(database.db)
  return { jobs: jobs.rows, backlog: backlog.rows }
}
