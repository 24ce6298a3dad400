import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LossCounter } from '../../report/loss-counter.ts'
import { type LabelFormat, parseLabels } from './parse-labels.ts'

it('labels of any content give finite annotations of known classes, or are refused and counted', () => {
  const token = fc.oneof(
    fc.double({ noNaN: false }).map(String),
    fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value.toFixed(6)),
    fc.constantFrom('0', '1', '2', '-1', 'nan', '1e400', '-1e400', '0x1', '1_0', '', '٣', '1,5', '\u00a0', 'inf'),
  )
  const text = fc
    .array(fc.array(token, { maxLength: 16 }).map((tokens) => tokens.join(' ')))
    .map((rows) => rows.join('\n'))
  const format = fc.constantFrom<Pick<LabelFormat, 'task' | 'keypointShape'>[]>(
    { task: 'detection', keypointShape: [0, 0] },
    { task: 'segmentation', keypointShape: [0, 0] },
    { task: 'obb', keypointShape: [0, 0] },
    { task: 'pose', keypointShape: [2, 3] },
    { task: 'pose', keypointShape: [2, 2] },
  )
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), format, (rows, shape) => {
      const losses = new LossCounter()
      const annotations = parseLabels(rows, 'a.txt', 640, 480, { ...shape, classCount: 2 }, losses)
      if (annotations === undefined) {
        expect(losses.count('label-file-invalid')).toBe(1)
        return
      }
      for (const { classId, bbox = [], polygons = [], keypoints = [], obb = [] } of annotations) {
        expect([0, 1]).toContain(classId)
        expect([...bbox, ...polygons.flat(), ...keypoints, ...obb].every(Number.isFinite)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})

it('a hidden keypoint with two values is not labelled', () => {
  const format = { task: 'pose', classCount: 1, keypointShape: [2, 2] } as const
  const losses = new LossCounter()
  expect(parseLabels('0 0.5 0.5 0.25 0.5 0.5 0.25 -0.001 0.5', 'a.txt', 100, 40, format, losses)).toEqual([
    { kind: 'keypoints', classId: 0, bbox: [37.5, 10, 25, 20], keypoints: [50, 10, 2, 0, 0, 0] },
  ])
  expect(losses.list()).toEqual([])
})

const DETECTION: LabelFormat = { task: 'detection', classCount: 1, keypointShape: [0, 0] }
const readBox = (shares: readonly string[], width: number, height: number) => {
  const [annotation] = parseLabels(`0 ${shares.join(' ')}`, 'a.txt', width, height, DETECTION, new LossCounter()) ?? []
  return annotation?.bbox ?? [0, 0, 0, 0]
}

it.each([
  [
    ['0.051563', '0.5', '0.051563', '0.1'],
    [16.5, 216, 33, 48],
  ],
  [
    ['0.5', '0.5', '1', '1.000000'],
    [0, 0, 640, 480],
  ],
  [
    ['0.646414', '0.454917', '0.276293', '0.276293'],
    [325.29125, 152.0497, 176.8275, 132.6206],
  ],
  [
    ['0.500000123', '0.25', '0.1', '0.1'],
    [288.000079, 96, 64, 48],
  ],
])('the box %j of an image of 640 × 480 has no more digits than its text justifies: %j', (shares, expected) => {
  expect(readBox(shares, 640, 480)).toEqual(expected)
})

it('a box of whole pixels is one again, and its shares are the same text again', () => {
  const side = fc.integer({ min: 16, max: 5000 })
  const text = (share: number) => (Math.round(share * 1e6) / 1e6).toFixed(6)
  const share = fc.integer({ min: 1, max: 999_999 }).map((millionths) => text(millionths / 1e6))
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 16 }), share, share, (width, height, pixels, y, h) => {
      const shares = [text(pixels / 2 / width), y, text(pixels / width), h]
      const [left, top, boxWidth, boxHeight] = readBox(shares, width, height)
      expect(boxWidth).toBe(pixels)
      expect(text(boxHeight / height)).toBe(h)
      expect(text((left + boxWidth / 2) / width)).toBe(shares[0])
      expect(text((top + boxHeight / 2) / height)).toBe(y)
    }),
  )
})
