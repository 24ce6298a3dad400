import { describe, expect, it } from 'vitest'
import { boxOfCorners, boxOfKeypoints, boxOfRings, clipBox, isValidBox } from './box.ts'

describe('boxes', () => {
  it('are clipped to the image, and dropped when they are outside of it', () => {
    expect(clipBox([-5, -5, 20, 8], 10, 20)).toEqual([0, 0, 10, 3])
    expect(clipBox([11, 0, 5, 5], 10, 20)).toBeUndefined()
    expect(clipBox([10, 0, 5, 5], 10, 20)).toBeUndefined()
  })

  it('are valid with finite numbers and sides above zero', () => {
    expect(isValidBox([0, 0, 1, 1])).toBe(true)
    for (const box of [
      [0, 0, 0, 1],
      [0, 0, 1, -1],
      [Number.NaN, 0, 1, 1],
      [0, 0, Number.POSITIVE_INFINITY, 1],
      [0, 0, 1],
    ]) {
      expect(isValidBox(box)).toBe(false)
    }
  })

  it('are computed from corners in any order, from rings, and from labelled keypoints', () => {
    expect(boxOfCorners(9, 2, 3, 7)).toEqual([3, 2, 6, 5])
    expect(
      boxOfRings([
        [0, 0, 4, 0, 4, 4],
        [10, -2, 12, 0, 9, 9],
      ]),
    ).toEqual([0, -2, 12, 11])
    expect(boxOfRings([])).toBeUndefined()
    expect(boxOfKeypoints([0, 0, 0, 5, 6, 1, 9, 8, 2])).toEqual([5, 6, 4, 2])
    expect(boxOfKeypoints([0, 0, 0])).toBeUndefined()
  })
})
