import { expect, test } from 'vitest'
import { classMetrics } from './class-metrics.ts'

test('computes precision, recall and F1 of each class, and 0 where there is nothing to divide by', () => {
  const metrics = classMetrics(
    ['cat', 'dog', 'fish'],
    [
      [8, 2, 0],
      [4, 6, 0],
      [0, 0, 0],
    ],
  )
  expect(metrics.cat).toEqual({ precision: 8 / 12, recall: 0.8, f1: expect.closeTo(0.7273, 4), support: 10 })
  expect(metrics.dog).toMatchObject({ precision: 0.75, recall: 0.6, support: 10 })
  expect(metrics.fish).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 })
})
