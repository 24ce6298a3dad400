import { expect, test } from 'vitest'
import { learningRateAt } from './learning-rate.ts'

const options = { learningRate: 1, cosine: true, finalFraction: 0.1, warmupSteps: 4, totalSteps: 104 }

test('climbs, then follows half a cosine down to the final share', () => {
  expect([0, 1, 2, 3].map((step) => learningRateAt(step, options))).toEqual([0.25, 0.5, 0.75, 1])
  expect(learningRateAt(4, options)).toBe(1)
  expect(learningRateAt(54, options)).toBeCloseTo(0.55)
  expect(learningRateAt(104, options)).toBeCloseTo(0.1)
})

test('stays level without the cosine', () => {
  expect(learningRateAt(99, { ...options, cosine: false })).toBe(1)
})
