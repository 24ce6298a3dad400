import { t } from '../words/t.ts'

/* Shared by the server and the browser. */

/** `seconds` since the job was created; null where the value was not finite. */
export type ChartPoint = [step: number, value: number | null, seconds: number]

/** A series of a page. */
export interface ChartSeries {
  name: string
  /** What `step` counts. */
  axis: 'epoch' | 'step'
  points: ChartPoint[]
  /** Number of points that were reported. Larger than `points` when these are a sample. */
  count?: number | undefined
}

/** The series of one job, or of one of several that are compared. */
export interface ChartRun {
  /** The job, where several are compared. */
  label: string
  series: ChartSeries[]
}

export interface ChartLine {
  label: string
  /** Index of the run, which chooses the colour. */
  run: number
  series: ChartSeries
}

/** One metric, with a line for each run that reported it. */
export interface ChartSpec {
  id: string
  title: string
  axis: 'epoch' | 'step'
  lines: ChartLine[]
}

export interface ChartSection {
  title: string
  charts: ChartSpec[]
}

const collator = new Intl.Collator('en', { numeric: true })

/**
 * Every metric has a chart of its own, so that no scale hides another. The primary one is first; the others are grouped by what
 * their authors wrote before the first "/", never by what a name seems to mean.
 */
export function groupCharts(runs: readonly ChartRun[], primary: string): ChartSection[] {
  const charts = new Map<string, ChartSpec>()
  for (const [run, { label, series: all }] of runs.entries()) {
    for (const series of all) {
      if (series.points.length === 0) continue
      const id = `${series.axis}:${series.name}`
      const chart = charts.get(id) ?? { id, title: series.name, axis: series.axis, lines: [] }
      charts.set(id, chart)
      chart.lines.push({ label: runs.length > 1 ? label : series.name, run, series })
    }
  }
  const sorted = [...charts.values()].sort((a, b) => collator.compare(a.title, b.title))
  const first = sorted.filter(({ title }) => title === primary)
  const others = Map.groupBy(
    sorted.filter(({ title }) => title !== primary),
    ({ title }) => prefixOf(title),
  )
  const prefixes = [...others.keys()].sort(collator.compare)
  return [
    ...(first.length === 0 ? [] : [{ title: t('Primary metric'), charts: first }]),
    ...prefixes.map((prefix) => ({ title: prefix || t('Other metrics'), charts: others.get(prefix) ?? [] })),
  ]
}

function prefixOf(name: string): string {
  const slash = name.indexOf('/')
  return slash > 0 ? name.slice(0, slash) : ''
}

/** At most about `limit` points, and every spike: each bucket keeps its lowest and its highest value. */
export function thinPoints(points: readonly ChartPoint[], limit: number): ChartPoint[] {
  if (points.length <= limit) return [...points]
  const size = Math.ceil((2 * points.length) / limit)
  const kept: ChartPoint[] = []
  for (let from = 0; from < points.length; from += size) {
    const bucket = points.slice(from, from + size)
    let low = 0
    let high = 0
    for (const [index, [, value]] of bucket.entries()) {
      if (value === null) continue
      const lowest = bucket[low]?.[1] ?? Number.POSITIVE_INFINITY
      const highest = bucket[high]?.[1] ?? Number.NEGATIVE_INFINITY
      if (value < lowest) low = index
      if (value > highest) high = index
    }
    for (const index of [...new Set([low, high])].sort((a, b) => a - b)) {
      const point = bucket[index]
      if (point !== undefined) kept.push(point)
    }
  }
  return kept
}
