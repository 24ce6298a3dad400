import type { MetricAxis } from '@trainyard/contract'

export interface MetricsTable {
  job_id: number
  attempt: number
  name: string
  axis: MetricAxis
  step: number
  /** Can be NaN or infinite. */
  value: number
  time: Date
}
