/* Shared by the server and the browser: no imports. */

export type MetricFamily = 'loss' | 'score' | 'other'

const SCORE = /acc|map|precision|recall|f1|iou|dice|auc|top_?\d|score|pck|oks/i

/** The chart that a metric belongs to, by its name. */
export function familyOf(name: string): MetricFamily {
  if (/loss|error_rate|perplexity/i.test(name)) return 'loss'
  return SCORE.test(name) ? 'score' : 'other'
}
