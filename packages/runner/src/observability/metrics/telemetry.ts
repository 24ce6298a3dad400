import type { EndReason } from '@trainyard/contract'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds, from a quick answer to a stuck one. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Seconds, from at once to half a day. */
const WAIT_BUCKETS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 4 * 3600, 12 * 3600]

let processRegistry: Registry | undefined

/** Memory, event loop and garbage collection, once a process: their observers are never taken down again. */
function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

/**
 * What the runner counts about itself. One object and one registry a runner, so that several live in one process.
 * No label ever holds a job, a person or a name that trainers choose: the number of series is bounded.
 */
export type RunnerTelemetry = ReturnType<typeof createTelemetry>

export function createTelemetry() {
  const registry = new Registry()
  const registers = [registry]

  const intake = {
    requests: new Counter({
      name: 'trainyard_intake_requests_total',
      help: 'Requests of trainers to the journal and the simple endpoints, by the status of the answer',
      labelNames: ['endpoint', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'trainyard_intake_request_seconds',
      help: 'How long the answer to a trainer took',
      labelNames: ['endpoint'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    events: new Counter({ name: 'trainyard_intake_events_total', help: 'Events stored', registers }),
    points: new Counter({ name: 'trainyard_intake_points_total', help: 'Metric points stored', registers }),
    lines: new Counter({ name: 'trainyard_intake_log_lines_total', help: 'Log lines of journals', registers }),
    rejected: new Counter({
      name: 'trainyard_intake_rejected_events_total',
      help: 'Events that were acknowledged and could not be understood',
      registers,
    }),
    throttled: new Counter({
      name: 'trainyard_intake_throttled_total',
      help: 'Requests of trainers that were answered with 429',
      registers,
    }),
  }
  const attempts = {
    ended: new Counter({
      name: 'trainyard_attempts_ended_total',
      help: 'Attempts that ended, by reason',
      labelNames: ['reason'],
      registers,
    }),
    queueWait: new Histogram({
      name: 'trainyard_queue_wait_seconds',
      help: 'From queued to launched',
      buckets: WAIT_BUCKETS,
      registers,
    }),
    launch: new Histogram({
      name: 'trainyard_launch_seconds',
      help: 'How long the launcher took to start a trainer',
      labelNames: ['launcher', 'outcome'],
      buckets: WAIT_BUCKETS,
      registers,
    }),
    leases: new Counter({
      name: 'trainyard_lease_claims_total',
      help: 'Leases of jobs that this replica took: queued jobs, and live attempts (renewals among them)',
      labelNames: ['kind'],
      registers,
    }),
  }
  const liveViewers = new Gauge({ name: 'trainyard_live_viewers', help: 'Open live streams of jobs', registers })
  const objectStore = new Histogram({
    name: 'trainyard_object_store_seconds',
    help: 'Calls of the object store',
    labelNames: ['operation', 'outcome'],
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const backends = {
    queue: new Gauge({
      name: 'trainyard_observability_queue_depth',
      help: 'Attempts that wait in memory for their turn with a backend',
      labelNames: ['backend'],
      registers,
    }),
    deferred: new Counter({
      name: 'trainyard_observability_queue_full_total',
      help: 'Times that more attempts were due than the queue of a backend has room for; they stay due in the database',
      labelNames: ['backend'],
      registers,
    }),
    dropped: new Counter({
      name: 'trainyard_observability_dropped_total',
      help: 'Items that a backend will never have: refused by it, or too far behind',
      labelNames: ['backend', 'why'],
      registers,
    }),
    sent: new Counter({
      name: 'trainyard_observability_sent_total',
      help: 'Items that a backend took',
      labelNames: ['backend', 'kind'],
      registers,
    }),
    failures: new Counter({
      name: 'trainyard_observability_failures_total',
      help: 'Calls of a backend that failed and are tried again',
      labelNames: ['backend'],
      registers,
    }),
    circuit: new Gauge({
      name: 'trainyard_observability_circuit_open',
      help: '1 while a backend is left alone because it failed again and again',
      labelNames: ['backend'],
      registers,
    }),
  }
  return {
    registry,
    /** Everything, in Prometheus' text format. */
    exposition: async () => await Registry.merge([processMetrics(), registry]).metrics(),
    intake,
    attempts,
    liveViewers,
    objectStore,
    backends,
    /** A batch that was stored. */
    batchStored(batch: { events: unknown[]; metrics: unknown[]; logs: unknown[]; rejected: unknown[] }) {
      intake.events.inc(batch.events.length)
      intake.points.inc(batch.metrics.length)
      intake.lines.inc(batch.logs.length)
      intake.rejected.inc(batch.rejected.length)
    },
    attemptEnded(reason: EndReason) {
      attempts.ended.inc({ reason })
    },
    attemptLaunched(queuedAt: Date | null, now: Date) {
      if (queuedAt !== null) attempts.queueWait.observe(Math.max(0, now.getTime() - queuedAt.getTime()) / 1000)
    },
  }
}
