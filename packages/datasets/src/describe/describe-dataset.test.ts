import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { imageRecord, plainPng, temporaryFolder } from '../testing/dataset-formats.ts'
import { memoryReader } from '../testing/memory-reader.ts'
import { describeDataset } from './describe-dataset.ts'
import { HEAT_SIDE } from './survey.ts'
import { writeDatasetReport } from './write-report.ts'

const filled = <T extends { count: number }>(bins: readonly T[]): T[] => bins.filter(({ count }) => count > 0)

test('counts objects, sizes, shapes and places', async () => {
  const records = [
    imageRecord('a.JPG', {
      annotations: [
        // A tenth of each side, in the upper left corner; and one as large as the image, in its middle.
        { kind: 'box', classId: 0, bbox: [0, 0, 10, 8] },
        { kind: 'box', classId: 1, bbox: [0, 0, 100, 80] },
      ],
    }),
    imageRecord('b.png', { width: 80, height: 80 }),
  ]
  const { statistics, images, annotations } = await describeDataset(memoryReader(records, ['small', 'large', 'none']))
  expect([images, annotations]).toEqual([2, 2])
  expect(filled(statistics.objectsPerImage)).toEqual([
    { from: 0, to: 1, count: 1 },
    { from: 2, to: 3, count: 1 },
  ])
  expect(statistics.imageSizes).toEqual([
    { width: 100, height: 80, images: 1 },
    { width: 80, height: 80, images: 1 },
  ])
  expect(statistics.imageTypes).toEqual([
    { type: 'jpg', images: 1 },
    { type: 'png', images: 1 },
  ])
  expect(filled(statistics.imageAspects).map(({ from }) => from)).toEqual([0.99, 1.01])
  expect(filled(statistics.boxSides).map(({ from, count }) => [from, count])).toEqual([
    [0.1, 1],
    [0.9, 1],
  ])
  expect(statistics.classSides).toEqual([expect.closeTo(0.1), 1, undefined])
  const cells = statistics.boxCentres.flatMap((count, at) =>
    count > 0 ? [[at % HEAT_SIDE, Math.floor(at / HEAT_SIDE)]] : [],
  )
  expect(cells).toEqual([
    [0, 0],
    [HEAT_SIDE / 2, HEAT_SIDE / 2],
  ])
})

test('boxes outside the image and numbers that are none count where they can', async () => {
  const bad = [
    [-50, -50, 10, 10],
    [500, 500, 10, 10],
    [0, 0, Number.NaN, 5],
    [0, 0, 0, 0],
  ].map((bbox) => ({ kind: 'box' as const, classId: 9, bbox: bbox as [number, number, number, number] }))
  const { statistics } = await describeDataset(memoryReader([imageRecord('a.png', { annotations: bad })], ['a']))
  expect(statistics.boxCentres.reduce((sum, count) => sum + count, 0)).toBe(2)
  expect([statistics.boxCentres.at(0), statistics.boxCentres.at(-1)]).toEqual([1, 1])
})

test('the report is one page: no script, nothing from elsewhere, hostile names as text, pictures inside', async () => {
  using folder = temporaryFolder({ 'a.png': plainPng(40, 30) })
  const evil = '<script>alert(1)</script>"><img src=x>'
  const annotations = [{ kind: 'box' as const, classId: 0, bbox: [1, 2, 30, 20] as [number, number, number, number] }]
  const record = imageRecord('a.png', { width: 40, height: 30, file: join(folder.dir, 'a.png'), annotations })
  const target = join(folder.dir, 'report.html')
  const description = await writeDatasetReport(memoryReader([record], [evil], { name: evil }), { target, pictures: 4 })
  const page = readFileSync(target, 'utf8')
  expect(description.images).toBe(1)
  expect(page).not.toMatch(/<script|<img src=x|https?:\/\//)
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).toContain('src="data:image/webp;base64,')
  expect(page).toMatch(/<dt>objects<\/dt><dd>1<\/dd>/)
})
