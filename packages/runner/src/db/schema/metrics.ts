import type { MetricAxis } from '@trainyard/contract'

export interface MetricsTable {
  job_id: number
  attempt: number
  name: string
  axis: MetricAxis
  step: number
  /** NaN and the infinities are kept as such. */
  value: number
  time: Date
}
