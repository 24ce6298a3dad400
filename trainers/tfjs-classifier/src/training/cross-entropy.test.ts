import { expect, test } from 'vitest'
import { crossEntropy } from './cross-entropy.ts'
import { rankClasses } from './rank-classes.ts'

test('counts hits and measures the loss', () => {
  const { lossSum, correct, correctTop5, probabilities } = crossEntropy(
    Float32Array.from([0, 0, 0, 10, 0, 0]),
    [1, 0],
    3,
    0,
  )
  expect(lossSum).toBeCloseTo(Math.log(3) + Math.log(1 + 2 * Math.exp(-10)), 5)
  // A tie is no hit for the higher index.
  expect(correct).toBe(1)
  expect(correctTop5).toBe(2)
  expect(probabilities[0]).toBeCloseTo(1 / 3)
})

test('stays finite where the logits are huge', () => {
  const { lossSum, gradient } = crossEntropy(Float32Array.from([1e4, -1e4]), [1], 2, 0)
  expect(lossSum).toBeCloseTo(2e4)
  expect([...gradient]).toEqual([1, -1])
})

test('a smoothed label never rewards certainty without end', () => {
  const loss = (logit: number) => crossEntropy(Float32Array.from([logit, 0, 0]), [0], 3, 0.1).lossSum
  expect(loss(20)).toBeGreaterThan(loss(3))
})

test('ranks classes by probability, the first of equals first', () => {
  const ranked = rankClasses(Float32Array.from([1, 3, 1, 2]), 3)
  expect(ranked.map((each) => each.index)).toEqual([1, 3, 0])
  expect(ranked[0]?.probability).toBeGreaterThan(0.6)
  expect(rankClasses(Float32Array.from([1000, 999]), 5).reduce((sum, each) => sum + each.probability, 0)).toBeCloseTo(1)
})
