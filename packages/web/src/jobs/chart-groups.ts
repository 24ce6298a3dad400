/* Shared by the server and the browser: no imports. */

/** A series as pages carry it: [step, value], null where the number was not finite. */
export interface ChartSeries {
  name: string
  axis: 'epoch' | 'step'
  points: [step: number, value: number | null][]
}

export type MetricFamily = 'loss' | 'score' | 'other'

export interface ChartGroup {
  id: string
  title: string
  family: MetricFamily
  axis: 'epoch' | 'step'
  series: ChartSeries[]
}

const SCORE = /acc|map|precision|recall|f1|iou|dice|auc|top_?\d|score|pck|oks/i

/** Which chart a metric belongs to, by its name. */
export function familyOf(name: string): MetricFamily {
  if (/loss|error_rate|perplexity/i.test(name)) return 'loss'
  return SCORE.test(name) ? 'score' : 'other'
}

/**
 * Series in charts that can be read: losses and scores apart, because their scales differ; and what counts epochs apart
 * from what counts steps. Other metrics (learning rate, times) are left to the table.
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
