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
