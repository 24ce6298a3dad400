import { expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import { augmentImage } from './augment-image.ts'

const none = { degrees: 0, translate: 0, scale: 0, fliplr: 0 }
const shape = { imageSize: 3, channels: 1 } as const
const picture = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9])

test('copies the picture when nothing is to be bent', () => {
  const target = new Float32Array(18)
  augmentImage(picture, 0, target, 9, shape, none, createRandom(1, 'x'))
  expect([...target]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('mirrors left and right', () => {
  const target = new Float32Array(9)
  augmentImage(picture, 0, target, 0, shape, { ...none, fliplr: 1 }, createRandom(1, 'x'))
  expect([...target]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7])
})

test('bends differently each time, and the same for the same seed', () => {
  const bend = (random: ReturnType<typeof createRandom>) => {
    const target = new Float32Array(9)
    augmentImage(picture, 0, target, 0, shape, { degrees: 20, translate: 0.3, scale: 0.2, fliplr: 0 }, random)
    return [...target]
  }
  const random = createRandom(1, 'x')
  const first = bend(random)
  expect(bend(random)).not.toEqual(first)
  expect(bend(createRandom(1, 'x'))).toEqual(first)
  expect(Math.min(...first)).toBeGreaterThanOrEqual(1)
  expect(Math.max(...first)).toBeLessThanOrEqual(9)
})
