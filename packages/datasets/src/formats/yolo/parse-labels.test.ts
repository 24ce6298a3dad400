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
