import { expect, test } from 'vitest'
import { shapesOf } from './shapes.ts'

const object = { classId: 0, className: 'cat', confidence: 0.9 }

test('a box is drawn from its corners', () => {
  expect(shapesOf({ ...object, bbox: [10, 20, 30, 60] })).toEqual([
    { kind: 'box', x: 10, y: 20, width: 20, height: 40 },
  ])
})

test('outlines and rotated boxes are polygons', () => {
  expect(shapesOf({ ...object, polygon: [0, 0, 4, 0, 4, 3], obb: [0, 0, 1, 0, 1, 1, 0, 1] })).toEqual([
    { kind: 'polygon', points: '0,0 4,0 4,3' },
    { kind: 'polygon', points: '0,0 1,0 1,1 0,1' },
  ])
})

test.each([
  [
    'pairs',
    [10, 20, 30, 40],
    [
      [10, 20],
      [30, 40],
    ],
  ],
  [
    'triples, of which the hidden ones are left out',
    [10, 20, 2, 30, 40, 0, 50, 60, 1],
    [
      [10, 20],
      [50, 60],
    ],
  ],
  [
    'three pairs that look like no triples',
    [10, 20, 30, 40, 50, 60],
    [
      [10, 20],
      [30, 40],
      [50, 60],
    ],
  ],
])('keypoints are read as %s', (_what, keypoints, points) => {
  expect(shapesOf({ ...object, keypoints })).toEqual([{ kind: 'points', points }])
})

test.each([
  ['a class alone', {}],
  ['a box without an area', { bbox: [5, 5, 5, 9] as [number, number, number, number] }],
  ['a box from right to left', { bbox: [9, 5, 5, 9] as [number, number, number, number] }],
  ['coordinates beyond every picture', { bbox: [0, 0, 1e300, 4] as [number, number, number, number] }],
  ['an outline of two points', { polygon: [0, 0, 4, 4] }],
])('%s draws nothing', (_what, more) => {
  expect(shapesOf({ ...object, ...more })).toEqual([])
})
