import { describe, expect, it } from 'vitest'
import { downsample } from './downsample.ts'

const series = (count: number, value: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => ({ step: index, value: value(index) }))

describe('downsample', () => {
  it('returns short series unchanged', () => {
    const points = series(100, Math.sin)
    expect(downsample(points, 100)).toEqual(points)
  })

  it('keeps every spike, up and down, and the first and last point', () => {
    const points = series(100_000, (index) => (index === 33_333 ? 99 : index === 70_001 ? -99 : Math.sin(index / 500)))
    const thin = downsample(points, 1000)
    expect(thin.length).toBeLessThanOrEqual(1002)
    expect(thin.length).toBeGreaterThan(400)
    for (const index of [0, 33_333, 70_001, 99_999]) expect(thin).toContainEqual(points[index])
    expect(thin.map((point) => point.step)).toEqual([...thin.map((point) => point.step)].sort((a, b) => a - b))
  })

  it('does not move kept points while a series grows', () => {
    const points = series(70_000, (index) => Math.sin(index * index))
    const before = downsample(points.slice(0, 69_000), 1000)
    const after = downsample(points, 1000)
    expect(after.slice(0, before.length - 3)).toEqual(before.slice(0, -3))
  })

  it('keeps NaN and infinities as spikes', () => {
    const odd = new Map([
      [5000, Number.NaN],
      [6000, Number.POSITIVE_INFINITY],
      [7000, Number.NEGATIVE_INFINITY],
    ])
    const thin = downsample(
      series(10_000, (index) => odd.get(index) ?? 1),
      100,
    )
    for (const [step, value] of odd) expect(thin).toContainEqual({ step, value })
  })
})
