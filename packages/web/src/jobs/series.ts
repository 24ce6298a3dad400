import type { MetricSeriesList, MetricValue } from '@trainyard/contract'
import type { ChartPoint, ChartSeries } from './chart-groups.ts'

/** Series as charts draw them. `since` is when the job was created. */
export function toChartSeries(series: MetricSeriesList['series'], since: string): ChartSeries[] {
  return series.map(({ name, axis, count, points }) => ({
    name,
    axis,
    count,
    points: points.map((point) => toChartPoint(point, since)),
  }))
}

/** NaN and infinities become gaps in a chart. Times are kept to a tenth of a second. */
export function toChartPoint(point: { step: number; value: MetricValue; time: string }, since: string): ChartPoint {
  const seconds = Math.round((Date.parse(point.time) - Date.parse(since)) / 100) / 10
  return [point.step, typeof point.value === 'number' ? point.value : null, seconds]
}

/** Points to ask for: many for few series, so that a page of many charts stays small. */
export const pointsFor = (seriesCount: number): number =>
  Math.max(60, Math.min(500, Math.floor(10_000 / Math.max(1, seriesCount))))
