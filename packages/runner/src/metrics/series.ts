import type { MetricAxis } from '@trainyard/contract'

/** One metric of one attempt. */
export interface SeriesRef {
  jobId: number
  attempt: number
  name: string
}

export interface SeriesPoint {
  step: number
  value: number
  /** Milliseconds since 1970. */
  time: number
}

export interface Series {
  axis: MetricAxis
  count: number
  points: SeriesPoint[]
}

/** Points of one block. A power of two, so that blocks fit into the buckets of `downsample`. */
export const BLOCK_POINTS = 128
