/** The extremes of the consecutive points of a series from `from_step` to `to_step`. Derived from `metrics`. */
export interface MetricBlocksTable {
  job_id: number
  attempt: number
  name: string
  from_step: number
  to_step: number
  count: number
  low_step: number | null
  low_value: number | null
  low_time: Date | null
  high_step: number | null
  high_value: number | null
  high_time: Date | null
  nan_step: number | null
  nan_time: Date | null
}
