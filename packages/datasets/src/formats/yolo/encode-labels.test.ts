import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RunLengths } from '../../geometry/rle.ts'
import type { Annotation } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { ReportBuilder } from '../../report/report.ts'
import type { WriteOptions } from '../../writing/dataset-writer.ts'
import { createLabelEncoder } from './encode-labels.ts'
import { parseLabels } from './parse-labels.ts'

const [width, height] = [160, 90]
const number = fc.oneof(
  fc.double({ min: -50, max: 250, noNaN: true }),
  fc.integer({ min: -20, max: 200 }),
  fc.constantFrom(0, -0, 90, 160, 1e-9, 1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)
const numbers = (length: number) => fc.array(number, { minLength: length, maxLength: length })
const rle: fc.Arbitrary<RunLengths> = fc.array(fc.nat(5000), { maxLength: 8 }).map((runs) => {
  const counts: number[] = []
  let left = width * height
  for (const run of runs) {
    counts.push(Math.min(run, left))
    left -= Math.min(run, left)
  }
  return { width, height, counts: [...counts, left] }
})
const anyAnnotation = fc
  .record(
    {
      kind: fc.constantFrom<Annotation['kind'][]>('box', 'polygon', 'mask', 'keypoints', 'obb', 'class', 'other'),
      classId: fc.nat(3),
      bbox: numbers(4) as unknown as fc.Arbitrary<[number, number, number, number]>,
      polygons: fc.array(fc.array(number, { maxLength: 12 }), { maxLength: 3 }),
      rle,
      keypoints: numbers(9),
      obb: numbers(8),
      isCrowd: fc.boolean(),
    },
    { requiredKeys: ['kind', 'classId'] },
  )
  .map((annotation): Annotation => annotation)

it.each(['detection', 'segmentation', 'pose', 'obb'] as const)(
  'the loader accepts the rows of any object written for %s, and what is not written is counted',
  (task) => {
    const options: WriteOptions = {
      task,
      images: 'none',
      multiPart: 'bridge',
      crowd: 'skip',
      ignored: 'keep',
      vocOneBased: false,
      minAreaPx: 1e-3,
      decimals: 6,
      signal: undefined,
    }
    fc.assert(
      fc.property(
        fc.array(anyAnnotation, { maxLength: 6 }),
        fc.constantFrom<WriteOptions['multiPart'][]>('bridge', 'split', 'largest'),
        (annotations, multiPart) => {
          const report = new ReportBuilder()
          const encoder = createLabelEncoder({ report, options: { ...options, multiPart } }, 3)
          const { bytes, classIds } = encoder.encode(
            { path: 'a.png', width, height, split: 'train', annotations },
            width,
            height,
          )
          const losses = new LossCounter()
          const format = { task, classCount: 4, keypointShape: [3, 3] } as const
          const read = parseLabels(bytes.toString(), 'a.txt', width, height, format, losses)
          expect(losses.list()).toEqual([])
          expect(read?.map(({ classId }) => classId)).toEqual(classIds)
          const isAllThere = classIds.length >= annotations.length
          expect(isAllThere || report.losses.list().length > 0).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  },
)
