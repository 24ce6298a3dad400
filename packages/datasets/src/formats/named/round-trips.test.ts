import { join } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { convertDataset } from '../../convert/convert-dataset.ts'
import { boxOfRings } from '../../geometry/box.ts'
import { rotateCorners } from '../../geometry/obb.ts'
import { rasterizeRings } from '../../geometry/rle.ts'
import type { Annotation, DatasetClassInfo, ImageRecord } from '../../record/record.ts'
import {
  classesNamed,
  countLosses,
  imageRecord,
  plainPng,
  readAll,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../../testing/dataset-formats.ts'
import { createDiceWriter } from '../dice/write.ts'
import { loadReader } from '../readers.ts'

const SIZE = { width: 64, height: 40 }
const CLASSES = classesNamed('고양이', 'big dog', 'ant')
const side = (max: number) => fc.double({ min: 0, max, noNaN: true }).map((value) => Math.round(value * 1e4) / 1e4)

const box = fc
  .tuple(fc.nat(2), side(30), side(20), side(30), side(19))
  .map(([classId, x, y, w, h]): Annotation => ({ kind: 'box', classId, bbox: [x, y, w + 0.5, h + 0.5] }))
const polygon = fc
  .tuple(fc.nat(2), fc.array(fc.tuple(side(63), side(39)), { minLength: 3, maxLength: 7 }))
  .map(([classId, points]): Annotation => {
    const ring = points.flat()
    return { kind: 'polygon', classId, polygons: [ring], bbox: boxOfRings([ring]) }
  })
  .filter(({ bbox }) => bbox !== undefined && bbox[2] > 0.5 && bbox[3] > 0.5)
const obb = fc
  .tuple(fc.nat(2), side(20), side(10), side(9), side(9), side(6))
  .map(([classId, x, y, width, height, angle]): Annotation => {
    const corners = rotateCorners({ x: x + 20, y: y + 15, width: width + 1, height: height + 1 }, angle)
    return { kind: 'obb', classId, obb: corners }
  })
const label = fc.nat(2).map((classId): Annotation => ({ kind: 'class', classId }))

interface Case {
  to: TargetFormat
  task: TaskType
  object: fc.Arbitrary<Annotation>
  most: number
  /** Losses that a writer of the format may report for such objects. */
  allowed: readonly string[]
}

const CASES: readonly Case[] = [
  { to: 'huggingface', task: 'detection', object: box, most: 4, allowed: [] },
  { to: 'huggingface', task: 'segmentation', object: polygon, most: 4, allowed: [] },
  {
    to: 'huggingface',
    task: 'classification',
    object: label,
    most: 1,
    allowed: ['image-unlabelled', 'annotation-id-dropped'],
  },
  { to: 'dota', task: 'obb', object: obb, most: 4, allowed: ['class-renamed', 'annotation-id-dropped'] },
]

const images = (object: fc.Arbitrary<Annotation>, maxLength: number) =>
  fc.array(
    fc.record({
      split: fc.constantFrom('train' as const, 'val' as const, 'test' as const, undefined),
      annotations: fc.array(object, { maxLength }),
    }),
    { minLength: 1, maxLength: 5 },
  )

async function roundTrip(
  { to, task }: Pick<Case, 'to' | 'task'>,
  items: readonly Pick<ImageRecord, 'split' | 'annotations'>[],
  run: (
    back: Awaited<ReturnType<typeof readAll>> & { classes: DatasetClassInfo[] },
    losses: Record<string, number>,
    records: ImageRecord[],
  ) => void,
) {
  using folder = temporaryFolder({ 'in.png': plainPng(SIZE.width, SIZE.height) })
  const file = join(folder.dir, 'in.png')
  const records = items.map((item, index) => imageRecord(`a/${index}.png`, { ...SIZE, file, ...item }))
  const source = join(folder.dir, 'source')
  const context = writeContext(source, { taskType: task, classes: CLASSES }, { images: 'copy' })
  await writeRecords(createDiceWriter, context, records)
  const target = join(folder.dir, 'target')
  const { losses } = await convertDataset({ source, target, to, task, crowd: 'keep' })
  const reader = await (await loadReader[to]())(target)
  const back = await readAll(reader)
  run({ ...back, classes: reader.classes }, countLosses(losses), records)
}

const near = (a: readonly number[] | undefined, b: readonly number[] | undefined) =>
  a?.length === b?.length && (a ?? []).every((value, index) => Math.abs(value - (b?.[index] ?? 0)) < 1e-5)

test.each(CASES.map((item) => [`${item.to} for ${item.task}`, item] as const))(
  '%s gives back what was written, or counts it',
  async (_name, item) => {
    await fc.assert(
      fc.asyncProperty(images(item.object, item.most), async (list) => {
        await roundTrip(item, list, (back, losses, records) => {
          expect(Object.keys(losses).filter((reason) => !item.allowed.includes(reason))).toEqual([])
          expect(back.losses).toEqual([])
          expect(back.classes).toHaveLength(CLASSES.length)
          expect(back.records).toHaveLength(records.length)
          for (const record of records) {
            const found = back.records.find(({ path }) => path.endsWith(record.path))
            expect(found?.split).toBe(record.split)
            expect(found?.annotations).toHaveLength(record.annotations.length)
            for (const [index, annotation] of record.annotations.entries()) {
              const got = found?.annotations[index]
              expect(got?.classId).toBe(annotation.classId)
              expect(near(got?.bbox, annotation.bbox)).toBe(true)
              expect(near(got?.obb, annotation.obb)).toBe(true)
              expect(near(got?.polygons?.flat(), annotation.polygons?.flat())).toBe(true)
            }
          }
        })
      }),
      { numRuns: 25 },
    )
  },
)

test('masks give back the class of every pixel, and count every object that is no longer one', async () => {
  await fc.assert(
    fc.asyncProperty(images(polygon, 4), async (list) => {
      await roundTrip({ to: 'masks', task: 'segmentation' }, list, (back, losses, records) => {
        expect(back.losses).toEqual([])
        expect(back.classes.map(({ name }) => name)).toEqual(CLASSES.map(({ name }) => name))
        let objects = 0
        for (const record of records) {
          const found = back.records.find(({ path }) => path.endsWith(record.path))
          expect(found?.split).toBe(record.split)
          objects += found?.annotations.length ?? 0
          // A pixel belongs to the smallest object that covers it.
          const expected = paint(record.annotations)
          expect(paint(found?.annotations ?? [])).toEqual(expected)
        }
        const written = records.reduce((sum, { annotations }) => sum + annotations.length, 0)
        if (objects !== written)
          expect(Object.keys(losses).join()).toMatch(
            /annotation-merged|polygon-split|overlap-flattened|annotation-too-small/,
          )
      })
    }),
    { numRuns: 25 },
  )
})

function paint(annotations: readonly Annotation[]): number[] {
  const pixels = new Array<number>(SIZE.width * SIZE.height).fill(-1)
  const masks = annotations.map(({ classId, rle, polygons = [] }) => {
    const runs = rle ?? rasterizeRings(polygons, SIZE.width, SIZE.height)
    const set: number[] = []
    let position = 0
    for (const [index, run] of runs.counts.entries()) {
      if (index % 2 === 1) for (let at = position; at < position + run; at++) set.push(at)
      position += run
    }
    return { classId, set }
  })
  for (const { classId, set } of masks.sort((a, b) => b.set.length - a.set.length))
    for (const at of set) pixels[at] = classId
  return pixels
}
