import { expect, test } from 'vitest'
import { fitImage } from './fit-image.ts'

test('turns colours into grey by their brightness and grey into colours', () => {
  const colours = { width: 3, height: 1, channels: 3, data: new Uint8Array([255, 0, 0, 0, 255, 0, 0, 0, 255]) }
  const shrunk = fitImage({ ...colours, width: 1, height: 3 }, { imageSize: 1, channels: 1 })
  expect(shrunk[0]).toBeGreaterThan(70)
  const white = { width: 1, height: 1, channels: 2, data: new Uint8Array([200, 0]) }
  expect([...fitImage(white, { imageSize: 1, channels: 3 })]).toEqual([200, 200, 200])
})

test('leaves pictures of the right size alone and keeps even surfaces even', () => {
  const data = new Uint8Array([1, 2, 3, 4])
  expect([...fitImage({ width: 2, height: 2, channels: 1, data }, { imageSize: 2, channels: 1 })]).toEqual([1, 2, 3, 4])
  const even = { width: 7, height: 5, channels: 1, data: new Uint8Array(35).fill(99) }
  expect(new Set(fitImage(even, { imageSize: 13, channels: 1 }))).toEqual(new Set([99]))
  expect(new Set(fitImage(even, { imageSize: 2, channels: 1 }))).toEqual(new Set([99]))
})

test('keeps which way is up and which side is left, also for pictures that are not square', () => {
  const data = new Uint8Array(8 * 4)
  // The upper left quarter is white.
  for (let y = 0; y < 2; y++) data.fill(255, y * 8, y * 8 + 4)
  expect([...fitImage({ width: 8, height: 4, channels: 1, data }, { imageSize: 2, channels: 1 })].map(isLight)).toEqual(
    [true, false, false, false],
  )
})

test('uses every pixel when it shrinks an image', () => {
  const data = new Uint8Array(64)
  data[3 * 8 + 3] = 255
  const shrunk = fitImage({ width: 8, height: 8, channels: 1, data }, { imageSize: 2, channels: 1 })
  expect(shrunk[0]).toBeGreaterThan(0)
})

function isLight(value: number): boolean {
  return value > 127
}
