/**
 * Reduces a series to about `points` points and keeps every spike: each bucket keeps its lowest and its highest value, the
 * series its first and last point. Buckets are aligned to powers of two of the index, so that the kept points of a growing
 * series do not move, and their number is halved when the series doubles. Of the NaN values of a bucket the first is kept.
 */
export function downsample<T extends { value: number }>(series: readonly T[], points: number): T[] {
  const bucketSize = bucketSizeFor(series.length, points)
  if (bucketSize <= 1) return [...series]
  const kept: T[] = []
  for (let from = 0; from < series.length; from += bucketSize) {
    const to = Math.min(series.length, from + bucketSize)
    const indexes = new Set<number>()
    if (from === 0) indexes.add(0)
    for (const index of extremes(series, from, to)) indexes.add(index)
    if (to === series.length) indexes.add(to - 1)
    for (const index of [...indexes].sort((a, b) => a - b)) {
      const point = series[index]
      if (point !== undefined) kept.push(point)
    }
  }
  return kept
}

/** The power of two for which two points in each bucket are at most `points`. */
export function bucketSizeFor(count: number, points: number): number {
  if (count <= points) return 1
  const minSize = Math.ceil((2 * count) / Math.max(4, points))
  return 2 ** Math.ceil(Math.log2(minSize))
}

function extremes(series: readonly { value: number }[], from: number, to: number): number[] {
  let lowest = -1
  let highest = -1
  let firstNaN = -1
  let lowestValue = Number.POSITIVE_INFINITY
  let highestValue = Number.NEGATIVE_INFINITY
  for (let index = from; index < to; index++) {
    const value = series[index]?.value ?? Number.NaN
    if (Number.isNaN(value)) {
      if (firstNaN < 0) firstNaN = index
      continue
    }
    if (lowest < 0 || value < lowestValue) {
      lowest = index
      lowestValue = value
    }
    if (highest < 0 || value > highestValue) {
      highest = index
      highestValue = value
    }
  }
  return [lowest, highest, firstNaN].filter((index) => index >= 0)
}
