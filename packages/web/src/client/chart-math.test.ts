import { expect, test } from 'vitest'
import type { ChartSeries } from '../jobs/chart-groups.ts'
import { axisInEffect, overAxis, positive, smooth, spreadOf } from './chart-math.ts'

const byEpoch: ChartSeries = {
  name: 'val/acc',
  axis: 'epoch',
  points: [
    [1, 0.5, 110],
    [2, 0.7, 210],
  ],
}
const byStep: ChartSeries = {
  name: 'loss',
  axis: 'step',
  points: [
    [10, 3, 60],
    [20, 2, 110],
    [30, 1, 160],
    [40, 1, 260],
  ],
}
const all = [byEpoch, byStep]

test('a series is drawn over what its trainer reported, or over the time since the first report', () => {
  expect(overAxis(byEpoch, 'reported', all)).toEqual([
    [1, 2],
    [0.5, 0.7],
  ])
  expect(overAxis(byEpoch, 'time', all)[0]).toEqual([50, 150])
})

test('epochs become steps, and steps epochs, by the time of the points', () => {
  expect(overAxis(byEpoch, 'step', all)[0]).toEqual([20, 35])
  expect(overAxis(byStep, 'epoch', all)).toEqual([
    [1, 1.5, 2],
    [2, 1, 1],
  ])
  expect(axisInEffect(byEpoch, 'step', all)).toBe('step')
})

test('without a series by step, a series by epoch stays as it was reported', () => {
  expect(overAxis(byEpoch, 'step', [byEpoch])[0]).toEqual([1, 2])
  expect(axisInEffect(byEpoch, 'step', [byEpoch])).toBe('epoch')
})

test('smoothing keeps a constant, starts at the first value, and leaves gaps', () => {
  expect(smooth([4, 4, 4], 0.9)).toEqual([4, 4, 4].map((value) => expect.closeTo(value, 10)))
  expect(smooth([null, 2, null, 4], 0.5)).toEqual([null, 2, null, expect.closeTo(10 / 3, 10)])
  expect(smooth([1, 5, 2], 0)).toEqual([1, 5, 2])
})

test('a logarithmic scale shows positive values only', () => {
  expect(positive([1, 0, -1, null, 1e-9])).toEqual([1, null, null, null, 1e-9])
})

test('the mean of several lines counts each one between its own first and last point', () => {
  const tables: Parameters<typeof spreadOf>[0] = [
    [
      [1, 3],
      [2, 4],
    ],
    [
      [2, 3, 4],
      [5, null, 7],
    ],
  ]
  expect(spreadOf(tables, 'range')).toEqual({
    xs: [1, 2, 3, 4],
    high: [2, 5, 6, 7],
    mean: [2, 4, 5, 7],
    low: [2, 3, 4, 7],
  })
  expect(spreadOf(tables, 'deviation').high.map((value) => value?.toFixed(3))).toEqual([
    '2.000',
    '5.414',
    '6.414',
    '7.000',
  ])
})

test('the mean of nothing has a gap', () => {
  expect(spreadOf([[[1], [null]]], 'range')).toEqual({ xs: [1], high: [null], mean: [null], low: [null] })
})
