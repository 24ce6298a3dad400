import { expect, it } from 'vitest'
import { cornersOfRotatedBox } from '../testing/rotated-box.ts'

it('pitfall 23: a box can be rotated about its centre, or about its top-left corner as in Label Studio', () => {
  const about = { x: 50, y: 25, width: 20, height: 10, angle: 90 }
  const round = (corners: number[]) => corners.map((value) => Math.round(value * 1e6) / 1e6)
  expect(round(cornersOfRotatedBox(about))).toEqual([45, 15, 55, 15, 55, 35, 45, 35])
  // The corner is fixed; the box is below and to the left of it.
  expect(round(cornersOfRotatedBox(about, 'top-left'))).toEqual([40, 25, 50, 25, 50, 45, 40, 45])
})

it('pitfall 23: without a rotation both give the same box', () => {
  const box = { width: 20, height: 10, angle: 0 }
  expect(cornersOfRotatedBox({ x: 60, y: 30, ...box })).toEqual(
    cornersOfRotatedBox({ x: 50, y: 25, ...box }, 'top-left'),
  )
})
