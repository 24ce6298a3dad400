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

/** What the browser's scripts get besides the page: the data of the charts. */
export interface JobData {
  jobId: number
  live: boolean
  attempt: number
  series: ChartSeries[]
}

/** One message of `/jobs/{id}/live`, by the name of its event. */
export interface LiveEvents {
  /** A region of the page, rendered anew. */
  part: { id: string; html: string }
  /** All series, in place of what was there. */
  series: { attempt: number; series: ChartSeries[] }
  /** Points to add. */
  points: { points: { name: string; axis: 'epoch' | 'step'; step: number; value: number | null }[] }
  /** Log lines as list items; those with a known id are already there. */
  logs: { html: string }
  /** The job has another state; said to screen readers. */
  state: { word: string; terminal: boolean }
  /** Nothing more will come. */
  end: Record<string, never>
  /** Live updates are interrupted, in a sentence. */
  trouble: { message: string }
}
