import type { ChartPoint, ChartSeries } from '../jobs/chart-groups.ts'

/** What a chart has along its horizontal axis. `reported` is the epoch or the step, as the trainer sent it. */
export type XAxis = 'reported' | 'epoch' | 'step' | 'time'

export type XY = [xs: number[], ys: (number | null)[]]

/**
 * The points of a series over another axis. Steps and epochs are converted by the time of the points: a series by epoch is
 * drawn over the step that was reported at that time. Without a series to convert by, the reported axis stays.
 */
export function overAxis(series: ChartSeries, axis: XAxis, all: readonly ChartSeries[]): XY {
  if (axis === 'reported' || axis === series.axis) return toColumns(series.points, ([step]) => step)
  if (axis === 'time') {
    const start = startOf(all)
    return toColumns(series.points, ([, , seconds]) => seconds - start)
  }
  const guide = longest(all.filter((one) => one.axis === axis))
  if (guide === undefined) return toColumns(series.points, ([step]) => step)
  const known = [...guide.points].sort((a, b) => a[2] - b[2])
  return toColumns(series.points, ([, , seconds]) => interpolate(known, seconds))
}

/** What a chart really shows when `axis` is chosen: without a series by epoch, nothing can be converted to epochs. */
export function axisInEffect(series: ChartSeries, axis: XAxis, all: readonly ChartSeries[]): 'epoch' | 'step' | 'time' {
  if (axis === 'time') return 'time'
  if (axis === 'reported' || !all.some((one) => one.axis === axis && one.points.length > 0)) return series.axis
  return axis
}

const startOf = (all: readonly ChartSeries[]): number => {
  let start = Number.POSITIVE_INFINITY
  for (const { points } of all) for (const [, , seconds] of points) if (seconds < start) start = seconds
  return Number.isFinite(start) ? start : 0
}

function longest(all: readonly ChartSeries[]): ChartSeries | undefined {
  return all.filter(({ points }) => points.length > 0).sort((a, b) => b.points.length - a.points.length)[0]
}

/** The step of a guide at a time, between its points by proportion. */
function interpolate(known: readonly ChartPoint[], seconds: number): number {
  let low = 0
  let high = known.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((known[middle]?.[2] ?? 0) < seconds) low = middle + 1
    else high = middle
  }
  const after = known[low]
  const before = known[low - 1]
  if (after === undefined) return 0
  if (before === undefined || after[2] === before[2] || after[2] < seconds) return after[0]
  return before[0] + ((after[0] - before[0]) * (seconds - before[2])) / (after[2] - before[2])
}

/** Columns sorted by x; of several values of one x, the last one. */
function toColumns(points: readonly ChartPoint[], x: (point: ChartPoint) => number): XY {
  const pairs = points.map((point): [number, number | null] => [x(point), point[1]])
  if (pairs.some(([at], index) => index > 0 && at <= (pairs[index - 1]?.[0] ?? 0))) pairs.sort((a, b) => a[0] - b[0])
  const xs: number[] = []
  const ys: (number | null)[] = []
  for (const [at, value] of pairs) {
    if (xs.length > 0 && xs[xs.length - 1] === at) ys[ys.length - 1] = value
    else {
      xs.push(at)
      ys.push(value)
    }
  }
  return [xs, ys]
}

/** An exponential moving average without a bias to its start. `weight` is from 0, which changes nothing, to below 1. */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let average = 0
  let total = 0
  return values.map((value) => {
    if (value === null) return null
    average = average * weight + value * (1 - weight)
    total = total * weight + (1 - weight)
    return average / total
  })
}

/** Values that a logarithmic scale can show. */
export const positive = (values: readonly (number | null)[]): (number | null)[] =>
  values.map((value) => (value !== null && value > 0 ? value : null))

/** What several lines are drawn as: each one, or their mean with a band around it. */
export type Spread = 'each' | 'range' | 'deviation'

export interface SpreadColumns {
  xs: number[]
  high: (number | null)[]
  mean: (number | null)[]
  low: (number | null)[]
}

/**
 * The mean of several lines, with the lowest and highest value (`range`), or one standard deviation on both sides. Between its
 * points, a line has the value in proportion; before its first and after its last point, it does not count.
 */
export function spreadOf(tables: readonly XY[], spread: 'range' | 'deviation'): SpreadColumns {
  const xs = [...new Set(tables.flatMap(([own]) => own))].sort((a, b) => a - b)
  const columns = tables.map((table) => valuesAt(table, xs))
  const result: SpreadColumns = { xs, high: [], mean: [], low: [] }
  for (const at of xs.keys()) {
    const values = columns.map((column) => column[at] ?? null).filter((value) => value !== null)
    if (values.length === 0) {
      for (const column of [result.high, result.mean, result.low]) column.push(null)
      continue
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    // Of a sample: two jobs are a guess about all jobs that could have run.
    const deviation = values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1))
    result.mean.push(mean)
    result.high.push(spread === 'range' ? Math.max(...values) : mean + deviation)
    result.low.push(spread === 'range' ? Math.min(...values) : mean - deviation)
  }
  return result
}

/** The values of a line at sorted places. */
function valuesAt([xs, ys]: XY, places: readonly number[]): (number | null)[] {
  const known: [number, number][] = []
  for (const [index, x] of xs.entries()) {
    const y = ys[index]
    if (typeof y === 'number') known.push([x, y])
  }
  let at = 0
  return places.map((place) => {
    while (at + 1 < known.length && (known[at + 1]?.[0] ?? 0) <= place) at += 1
    const [x, y] = known[at] ?? [Number.POSITIVE_INFINITY, 0]
    if (place < x) return null
    if (place === x) return y
    const after = known[at + 1]
    return after === undefined ? null : y + ((after[1] - y) * (place - x)) / (after[0] - x)
  })
}
