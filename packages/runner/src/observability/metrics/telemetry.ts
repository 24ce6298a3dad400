import type { EndReason } from '@trainyard/contract'
import { processMetrics } from '@trainyard/platform'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** In seconds, from a fast response to a blocked one. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** In seconds, up to half a day. */
const WAIT_BUCKETS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 4 * 3600, 12 * 3600]

/**
 * The runner's metrics. Each runner has its own registry, so that one process can have several runners. No label contains a
 * job, a person or a name that trainers choose, so the number of series is bounded.
 */
export class RunnerTelemetry {
  readonly registry = new Registry()
  readonly intake = createIntakeMetrics(this.registry)
  readonly attempts = createAttemptMetrics(this.registry)
  readonly backends = createBackendMetrics(this.registry)
  readonly usage = createUsageMetrics(this.registry)
  readonly liveViewers = new Gauge({
    name: 'trainyard_live_viewers',
    help: 'Open live streams of jobs',
    registers: [this.registry],
  })
  readonly objectStore = new Histogram({
    name: 'trainyard_object_store_seconds',
    help: 'Duration of calls to the object store',
    labelNames: ['operation', 'outcome'],
    buckets: REQUEST_BUCKETS,
    registers: [this.registry],
  })

  /** All metrics in Prometheus' text format. */
  async exposition(): Promise<string> {
    return await Registry.merge([processMetrics(), this.registry]).metrics()
  }

  /** Counts the content of a stored batch. */
  batchStored(batch: { events: unknown[]; metrics: unknown[]; logs: unknown[]; rejected: unknown[] }): void {
    this.intake.events.inc(batch.events.length)
    this.intake.points.inc(batch.metrics.length)
    this.intake.lines.inc(batch.logs.length)
    this.intake.rejected.inc(batch.rejected.length)
  }

  attemptEnded(reason: EndReason): void {
    this.attempts.ended.inc({ reason })
  }

  attemptLaunched(queuedAt: Date | null, now: Date): void {
    if (queuedAt !== null) this.attempts.queueWait.observe(Math.max(0, now.getTime() - queuedAt.getTime()) / 1000)
  }
}

function createIntakeMetrics(registry: Registry) {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'trainyard_intake_requests_total',
      help: 'Requests of trainers to the journal and the simple endpoints, by status',
      labelNames: ['endpoint', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'trainyard_intake_request_seconds',
      help: 'Duration of requests of trainers',
      labelNames: ['endpoint'],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    events: new Counter({ name: 'trainyard_intake_events_total', help: 'Events stored', registers }),
    points: new Counter({ name: 'trainyard_intake_points_total', help: 'Metric points stored', registers }),
    lines: new Counter({ name: 'trainyard_intake_log_lines_total', help: 'Log lines stored', registers }),
    rejected: new Counter({
      name: 'trainyard_intake_rejected_events_total',
      help: 'Events that were acknowledged, but are invalid',
      registers,
    }),
    throttled: new Counter({
      name: 'trainyard_intake_throttled_total',
      help: 'Requests of trainers that were answered with 429',
      registers,
    }),
  }
}

function createAttemptMetrics(registry: Registry) {
  const registers = [registry]
  return {
    ended: new Counter({
      name: 'trainyard_attempts_ended_total',
      help: 'Attempts that ended, by reason',
      labelNames: ['reason'],
      registers,
    }),
    queueWait: new Histogram({
      name: 'trainyard_queue_wait_seconds',
      help: 'Time from queued to launched',
      buckets: WAIT_BUCKETS,
      registers,
    }),
    launch: new Histogram({
      name: 'trainyard_launch_seconds',
      help: 'Duration of launches of trainers',
      labelNames: ['launcher', 'outcome'],
      buckets: WAIT_BUCKETS,
      registers,
    }),
    leases: new Counter({
      name: 'trainyard_lease_claims_total',
      help: 'Leases that this replica claimed, of queued jobs and of running attempts (including renewals)',
      labelNames: ['kind'],
      registers,
    }),
  }
}

function createBackendMetrics(registry: Registry) {
  const registers = [registry]
  const labelNames = ['backend'] as const
  return {
    queue: new Gauge({
      name: 'trainyard_observability_queue_depth',
      help: 'Attempts in the queue of a backend',
      labelNames,
      registers,
    }),
    deferred: new Counter({
      name: 'trainyard_observability_queue_full_total',
      help: 'How often the queue of a backend was full; further attempts stay due in the database',
      labelNames,
      registers,
    }),
    dropped: new Counter({
      name: 'trainyard_observability_dropped_total',
      help: 'Items that were not sent, because the backend refused them or was too far behind',
      labelNames: ['backend', 'why'],
      registers,
    }),
    sent: new Counter({
      name: 'trainyard_observability_sent_total',
      help: 'Items that a backend accepted',
      labelNames: ['backend', 'kind'],
      registers,
    }),
    failures: new Counter({
      name: 'trainyard_observability_failures_total',
      help: 'Failed calls of a backend that are retried',
      labelNames,
      registers,
    }),
    circuit: new Gauge({
      name: 'trainyard_observability_circuit_open',
      help: '1 while calls of a backend are paused after repeated failures',
      labelNames,
      registers,
    }),
  }
}

/** Each replica counts what it recorded: the sum over all replicas is the whole. */
function createUsageMetrics(registry: Registry) {
  const registers = [registry]
  return {
    gpuSeconds: new Counter({
      name: 'trainyard_usage_gpu_seconds_total',
      help: 'GPU time that jobs reserved, by organisation',
      labelNames: ['organisation'],
      registers,
    }),
    cpuSeconds: new Counter({
      name: 'trainyard_usage_cpu_seconds_total',
      help: 'CPU time of jobs, by organisation',
      labelNames: ['organisation'],
      registers,
    }),
    storage: new Counter({
      name: 'trainyard_usage_storage_byte_seconds_total',
      help: 'Bytes of artifacts and datasets times the seconds that they were stored, by organisation',
      labelNames: ['organisation'],
      registers,
    }),
    transfers: new Counter({
      name: 'trainyard_usage_transferred_bytes_total',
      help: 'Bytes of artifacts and datasets that were stored (up) and downloaded (down), by organisation',
      labelNames: ['organisation', 'direction'],
      registers,
    }),
  }
}
