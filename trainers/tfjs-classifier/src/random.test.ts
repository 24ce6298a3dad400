import { expect, test } from 'vitest'
import { createRandom, shuffle } from './random.ts'

test('gives the same numbers for the same seed and stream, others for another', () => {
  const draw = (seed: number, stream: string) => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 5 }, () => random.next())
  }
  expect(draw(1, 'a')).toEqual(draw(1, 'a'))
  expect(draw(1, 'a')).not.toEqual(draw(2, 'a'))
  expect(draw(1, 'a')).not.toEqual(draw(1, 'b'))
})

test('draws normal numbers with mean 0 and variance 1', () => {
  const random = createRandom(7, 'normal')
  const values = Array.from({ length: 20_000 }, () => random.normal())
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
  expect(mean).toBeCloseTo(0, 1)
  expect(variance).toBeCloseTo(1, 1)
})

test('shuffles without losing or doubling anything', () => {
  const items = shuffle(
    Int32Array.from({ length: 100 }, (_, i) => i),
    createRandom(3, 'shuffle'),
  )
  expect(items).not.toEqual(Int32Array.from({ length: 100 }, (_, i) => i))
  expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
})
