import { type Database, processMetrics } from '@trainyard/platform'
import { Gauge, Histogram, Registry } from 'prom-client'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { type Counts, readCounts } from './read-counts.ts'

/** In seconds, from a fast answer to the pull of a large layer. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]
/** Counts are read at most this often, whatever the number of scrapes. */
const MAX_AGE_MS = 15_000

/** A gauge that is set from the counts of the database. `labelNames` are fixed sets, so the number of series is bounded. */
interface CountedGauge {
  name: string
  help: string
  labelNames?: readonly string[]
  set(gauge: Gauge, counts: Counts): void
}

const COUNTED: readonly CountedGauge[] = [
  {
    name: 'trainyard_registry_checks',
    help: 'Checks of versions that have not ended: waiting for a process, or running',
    labelNames: ['state'],
    set: (gauge, { checks }) => {
      gauge.set({ state: 'waiting' }, checks.waiting)
      gauge.set({ state: 'running' }, checks.running)
    },
  },
  {
    name: 'trainyard_registry_check_wait_seconds',
    help: 'How long the check that has waited the longest has waited',
    set: (gauge, { checks }) => gauge.set(checks.oldestSeconds),
  },
  {
    name: 'trainyard_registry_check_results',
    help: 'Results of the single checks that ended in the last 24 hours; "skipped" and "errored" ones were not made',
    labelNames: ['check', 'status'],
    set: (gauge, { results }) => {
      for (const { check, status, count } of results) gauge.set({ check, status }, count)
    },
  },
  {
    name: 'trainyard_registry_version_parts',
    help: 'Bundles and images of versions of trainers, by state',
    labelNames: ['kind', 'state'],
    set: (gauge, { parts }) => {
      for (const { kind, state, count } of parts) gauge.set({ kind, state }, count)
    },
  },
  {
    name: 'trainyard_registry_pulls_today',
    help: 'Pulls of this day (UTC), each person and each bot counted once for a trainer',
    labelNames: ['by'],
    set: (gauge, { pulls }) => {
      gauge.set({ by: 'people' }, pulls.people)
      gauge.set({ by: 'bots' }, pulls.bots)
    },
  },
  {
    name: 'trainyard_registry_blobs',
    help: 'Blobs in the object store',
    set: (gauge, { blobs }) => gauge.set(blobs.count),
  },
  {
    name: 'trainyard_registry_blob_bytes',
    help: 'Bytes of the blobs in the object store',
    set: (gauge, { blobs }) => gauge.set(blobs.bytes),
  },
  {
    name: 'trainyard_registry_uploads',
    help: 'Uploads that have not ended',
    set: (gauge, { uploads }) => gauge.set(uploads),
  },
]

/**
 * The registry's metrics. No label contains a person, a trainer or an organisation. What is counted in the database is the same
 * in every replica, so use the maximum, not the sum.
 */
export class RegistryTelemetry {
  readonly registry = new Registry()
  readonly requests = new Histogram({
    name: 'trainyard_registry_request_seconds',
    help: 'Duration of requests until their answer begins, by part of the API and class of the status',
    labelNames: ['api', 'method', 'status'],
    buckets: BUCKETS,
    registers: [this.registry],
  })

  constructor(database: Database<RegistryDatabase>) {
    const read = cached(() => readCounts(database))
    for (const { name, help, labelNames = [], set } of COUNTED) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [this.registry],
        async collect() {
          const counts = await read()
          gauge.reset()
          if (counts !== undefined) set(gauge, counts)
          // Without labels, a reset leaves 0, which was not counted.
          else if (labelNames.length === 0) gauge.remove()
        },
      })
    }
    const up: Gauge = new Gauge({
      name: 'trainyard_registry_database_up',
      help: '1 if the database answers the registry, otherwise 0',
      registers: [this.registry],
      async collect() {
        await database.ping().then(
          () => up.set(1),
          () => up.set(0),
        )
      },
    })
    const pool: Gauge = new Gauge({
      name: 'trainyard_registry_database_connections',
      help: "The registry's database connections by state, and requests that wait for one",
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        const { total, idle, waiting } = database.pool()
        pool.set({ state: 'used' }, total - idle)
        pool.set({ state: 'idle' }, idle)
        pool.set({ state: 'waiting' }, waiting)
      },
    })
  }

  /** All metrics in Prometheus' text format. */
  async exposition(): Promise<string> {
    return await Registry.merge([processMetrics(), this.registry]).metrics()
  }
}

/** Undefined while the database does not answer, so that the other metrics are still reported. */
function cached(read: () => Promise<Counts>): () => Promise<Counts | undefined> {
  let counts: Promise<Counts> | undefined
  let readAt = 0
  return async () => {
    if (counts === undefined || performance.now() - readAt > MAX_AGE_MS) {
      readAt = performance.now()
      counts = read()
    }
    return await counts.catch(() => {
      counts = undefined
      return undefined
    })
  }
}
