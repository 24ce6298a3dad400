import type { MetricSeriesList, MetricValue } from '@trainyard/contract'
import type { ChartSeries } from './chart-groups.ts'

export function toChartSeries(series: MetricSeriesList['series']): ChartSeries[] {
  return series.map(({ name, axis, count, points }) => ({
    name,
    axis,
    count,
    points: points.map(({ step, value }) => [step, toChartValue(value)]),
  }))
}

/** NaN and infinities become gaps in a chart. */
export function toChartValue(value: MetricValue): number | null {
  return typeof value === 'number' ? value : null
}
