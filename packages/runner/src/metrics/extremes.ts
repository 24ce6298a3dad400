import type { SeriesPoint } from './series.ts'

/** The lowest, the highest and the first NaN of some points. Of equal points the first. */
export interface Extremes {
  low?: SeriesPoint | undefined
  high?: SeriesPoint | undefined
  nan?: SeriesPoint | undefined
}

/** Adds a point to the extremes. */
export function widen(extremes: Extremes, point: SeriesPoint): void {
  if (Number.isNaN(point.value)) extremes.nan ??= point
  else {
    if (extremes.low === undefined || point.value < extremes.low.value) extremes.low = point
    if (extremes.high === undefined || point.value > extremes.high.value) extremes.high = point
  }
}
