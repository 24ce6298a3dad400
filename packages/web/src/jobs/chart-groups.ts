import { familyOf, type MetricFamily } from './metric-family.ts'

/* Shared by the server and the browser: it imports nothing else. */

/** A series of a page: [step, value], null where the value was not finite. */
export interface ChartSeries {
  name: string
  axis: 'epoch' | 'step'
  points: [step: number, value: number | null][]
  /** Number of points that were reported. Larger than `points` when these are a sample. */
  count?: number | undefined
}

export interface ChartGroup {
  id: string
  title: string
  family: MetricFamily
  axis: 'epoch' | 'step'
  series: ChartSeries[]
}

/**
 * Groups series into readable charts: losses and scores are separate, because their scales differ, and so are epochs and
 * steps. Other metrics (learning rate, times) are shown in the table only.
 */
export function groupSeries(all: readonly ChartSeries[]): ChartGroup[] {
  const groups: ChartGroup[] = []
  for (const family of ['loss', 'score'] as const) {
    const members = all.filter((series) => familyOf(series.name) === family && series.points.length > 0)
    for (const axis of ['epoch', 'step'] as const) {
      const series = members.filter((member) => member.axis === axis)
      if (series.length > 0) {
        groups.push({
          id: `${family}-${axis}`,
          title: `${family === 'loss' ? 'Loss' : 'Accuracy'} by ${axis}`,
          family,
          axis,
          series,
        })
      }
    }
  }
  return groups
}
