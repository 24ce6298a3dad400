/** The source of Grafana's dashboards: `npm run docs` writes `examples/grafana/dashboards/`. */
interface Panel {
  title: string
  /** One of Grafana's units. */
  unit: string
  /** Default: curves over time, from Prometheus. `logs` are from Loki. */
  type?: 'logs' | undefined
  queries: readonly { expr: string; legend: string }[]
}

interface Dashboard {
  /** Also the name of the file, and of its address in Grafana. */
  name: string
  title: string
  panels: readonly Panel[]
}

const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${metric}_bucket[5m])))`

export const DASHBOARDS: readonly Dashboard[] = [
  {
    name: 'runner',
    title: 'Trainyard: runner',
    panels: [
      {
        title: 'Unfinished jobs',
        unit: 'short',
        queries: [{ expr: 'max by (state, queue) (trainyard_jobs)', legend: '{{state}} {{queue}}' }],
      },
      {
        title: 'GPUs and CPUs in use, by organisation',
        unit: 'short',
        queries: [
          {
            expr: 'sum by (organisation) (rate(trainyard_usage_gpu_seconds_total[1h]))',
            legend: 'GPUs {{organisation}}',
          },
          {
            expr: 'sum by (organisation) (rate(trainyard_usage_cpu_seconds_total[1h]))',
            legend: 'CPUs {{organisation}}',
          },
        ],
      },
      {
        title: 'Stored bytes, by organisation',
        unit: 'bytes',
        queries: [
          {
            expr: 'sum by (organisation) (rate(trainyard_usage_storage_byte_seconds_total[1h]))',
            legend: '{{organisation}}',
          },
        ],
      },
      {
        title: 'Uploads and downloads per second, by organisation',
        unit: 'Bps',
        queries: [
          {
            expr: 'sum by (organisation, direction) (rate(trainyard_usage_transferred_bytes_total[1h]))',
            legend: '{{organisation}} {{direction}}',
          },
        ],
      },
      {
        title: 'Finished attempts per hour',
        unit: 'short',
        queries: [{ expr: 'sum by (reason) (increase(trainyard_attempts_ended_total[1h]))', legend: '{{reason}}' }],
      },
      {
        title: 'Time in queue',
        unit: 's',
        queries: [
          {
            expr: 'histogram_quantile(0.5, sum by (le) (rate(trainyard_queue_wait_seconds_bucket[5m])))',
            legend: 'p50',
          },
          {
            expr: 'histogram_quantile(0.95, sum by (le) (rate(trainyard_queue_wait_seconds_bucket[5m])))',
            legend: 'p95',
          },
        ],
      },
      {
        title: 'Launch time',
        unit: 's',
        queries: [
          {
            expr: 'histogram_quantile(0.5, sum by (le, launcher) (rate(trainyard_launch_seconds_bucket[5m])))',
            legend: 'p50 {{launcher}}',
          },
          {
            expr: 'histogram_quantile(0.95, sum by (le, launcher) (rate(trainyard_launch_seconds_bucket[5m])))',
            legend: 'p95 {{launcher}}',
          },
        ],
      },
      {
        title: 'Responses to trainers per second',
        unit: 'reqps',
        queries: [
          {
            expr: 'sum by (endpoint, status) (rate(trainyard_intake_requests_total[5m]))',
            legend: '{{endpoint}} {{status}}',
          },
        ],
      },
      {
        title: 'Response time for trainers',
        unit: 's',
        queries: [
          {
            expr: 'histogram_quantile(0.95, sum by (le, endpoint) (rate(trainyard_intake_request_seconds_bucket[5m])))',
            legend: 'p95 {{endpoint}}',
          },
        ],
      },
      {
        title: 'Stored per second',
        unit: 'cps',
        queries: [
          { expr: 'sum(rate(trainyard_intake_events_total[5m]))', legend: 'events' },
          { expr: 'sum(rate(trainyard_intake_points_total[5m]))', legend: 'points' },
          { expr: 'sum(rate(trainyard_intake_log_lines_total[5m]))', legend: 'lines' },
        ],
      },
      {
        title: 'Rejected per second',
        unit: 'cps',
        queries: [
          { expr: 'sum(rate(trainyard_intake_throttled_total[5m]))', legend: '429' },
          { expr: 'sum(rate(trainyard_intake_rejected_events_total[5m]))', legend: 'invalid events' },
        ],
      },
      {
        title: 'Open live streams',
        unit: 'short',
        queries: [{ expr: 'sum(trainyard_live_viewers)', legend: 'streams' }],
      },
      {
        title: 'Object store',
        unit: 's',
        queries: [
          {
            expr: 'histogram_quantile(0.95, sum by (le, operation) (rate(trainyard_object_store_seconds_bucket[5m])))',
            legend: 'p95 {{operation}}',
          },
        ],
      },
      {
        title: 'Leases claimed per second',
        unit: 'cps',
        queries: [{ expr: 'sum by (kind) (rate(trainyard_lease_claims_total[5m]))', legend: '{{kind}}' }],
      },
    ],
  },
  {
    name: 'registry',
    title: 'Trainyard: registry',
    panels: [
      {
        title: 'Checks that have not ended',
        unit: 'short',
        queries: [{ expr: 'max by (state) (trainyard_registry_checks)', legend: '{{state}}' }],
      },
      {
        title: 'Longest wait for a check',
        unit: 's',
        queries: [{ expr: 'max(trainyard_registry_check_wait_seconds)', legend: 'wait' }],
      },
      {
        title: 'Results of checks, last 24 hours',
        unit: 'short',
        queries: [
          { expr: 'max by (check, status) (trainyard_registry_check_results)', legend: '{{check}} {{status}}' },
        ],
      },
      {
        title: 'Versions',
        unit: 'short',
        queries: [{ expr: 'max by (kind, state) (trainyard_registry_version_parts)', legend: '{{kind}} {{state}}' }],
      },
      {
        title: 'Pulls today',
        unit: 'short',
        queries: [{ expr: 'max by (by) (trainyard_registry_pulls_today)', legend: '{{by}}' }],
      },
      { title: 'Stored', unit: 'bytes', queries: [{ expr: 'max(trainyard_registry_blob_bytes)', legend: 'bytes' }] },
      {
        title: 'Blobs and open uploads',
        unit: 'short',
        queries: [
          { expr: 'max(trainyard_registry_blobs)', legend: 'blobs' },
          { expr: 'max(trainyard_registry_uploads)', legend: 'uploads' },
        ],
      },
      {
        title: 'Answers per second',
        unit: 'reqps',
        queries: [
          {
            expr: 'sum by (api, method, status) (rate(trainyard_registry_request_seconds_count[5m]))',
            legend: '{{api}} {{method}} {{status}}',
          },
        ],
      },
      {
        title: 'Time until an answer begins',
        unit: 's',
        queries: [{ expr: quantile(0.95, 'trainyard_registry_request_seconds', 'api'), legend: 'p95 {{api}}' }],
      },
    ],
  },
  {
    name: 'servers',
    title: 'Trainyard: servers',
    panels: [
      {
        title: 'Database',
        unit: 'short',
        queries: [
          { expr: 'min(trainyard_database_up)', legend: 'runner: up' },
          { expr: 'min(trainyard_registry_database_up)', legend: 'registry: up' },
        ],
      },
      {
        title: 'Connections of the runner',
        unit: 'short',
        queries: [{ expr: 'sum by (state) (trainyard_database_connections)', legend: '{{state}}' }],
      },
      {
        title: 'Connections of the registry',
        unit: 'short',
        queries: [{ expr: 'sum by (state) (trainyard_registry_database_connections)', legend: '{{state}}' }],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [{ expr: 'process_resident_memory_bytes{job=~"trainyard.*"}', legend: '{{job}} {{instance}}' }],
      },
      {
        title: 'Event loop delay, p99',
        unit: 's',
        queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{job=~"trainyard.*"}', legend: '{{job}} {{instance}}' }],
      },
      {
        title: 'CPU',
        unit: 'percentunit',
        queries: [{ expr: 'rate(process_cpu_seconds_total{job=~"trainyard.*"}[5m])', legend: '{{job}} {{instance}}' }],
      },
    ],
  },
  {
    name: 'backends',
    title: 'Trainyard: backends',
    panels: [
      {
        title: 'Experiments not sent yet',
        unit: 'short',
        queries: [
          { expr: 'max by (backend, state) (trainyard_observability_experiments)', legend: '{{backend}} {{state}}' },
        ],
      },
      {
        title: 'Circuit open',
        unit: 'short',
        queries: [{ expr: 'max by (backend) (trainyard_observability_circuit_open)', legend: '{{backend}}' }],
      },
      {
        title: 'Failures (retried)',
        unit: 'cps',
        queries: [
          { expr: 'sum by (backend) (rate(trainyard_observability_failures_total[5m]))', legend: '{{backend}}' },
        ],
      },
      {
        title: 'Sent per second',
        unit: 'cps',
        queries: [
          {
            expr: 'sum by (backend, kind) (rate(trainyard_observability_sent_total[5m]))',
            legend: '{{backend}} {{kind}}',
          },
        ],
      },
      {
        title: 'Dropped per hour',
        unit: 'short',
        queries: [
          {
            expr: 'sum by (backend, why) (increase(trainyard_observability_dropped_total[1h]))',
            legend: '{{backend}} {{why}}',
          },
        ],
      },
      {
        title: 'Attempts queued in memory',
        unit: 'short',
        queries: [
          { expr: 'sum by (backend) (trainyard_observability_queue_depth)', legend: '{{backend}}' },
          {
            expr: 'sum by (backend) (increase(trainyard_observability_queue_full_total[5m]))',
            legend: '{{backend}} queue full',
          },
        ],
      },
      {
        title: 'Errors in job logs',
        unit: 'short',
        type: 'logs',
        queries: [{ expr: '{app="trainyard", level="error"}', legend: '' }],
      },
    ],
  },
]

/** The dashboards as Grafana reads them, by path. */
export function dashboardFiles(): Map<string, unknown> {
  return new Map(DASHBOARDS.map((one) => [`examples/grafana/dashboards/${one.name}.json`, toGrafana(one)]))
}

function toGrafana({ name, title, panels }: Dashboard): unknown {
  let [x, y] = [0, 0]
  return {
    uid: `trainyard-${name}`,
    title,
    tags: ['trainyard'],
    timezone: 'browser',
    schemaVersion: 41,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    panels: panels.map((panel, index) => {
      const isWide = panel.type === 'logs'
      // Three in a row, or one that fills it.
      if (isWide && x > 0) [x, y] = [0, y + 8]
      const gridPos = { x, y, w: isWide ? 24 : 8, h: 8 }
      x += gridPos.w
      if (x >= 24) [x, y] = [0, y + 8]
      return toPanel(panel, index + 1, gridPos)
    }),
  }
}

function toPanel({ title, unit, type, queries }: Panel, id: number, gridPos: object): unknown {
  const language = type === 'logs' ? 'loki' : 'prometheus'
  const datasource = { type: language, uid: `trainyard-${language}` }
  return {
    id,
    title,
    type: type ?? 'timeseries',
    datasource,
    gridPos,
    fieldConfig: { defaults: type === 'logs' ? {} : { unit }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: type === 'logs' ? undefined : legend,
    })),
  }
}
