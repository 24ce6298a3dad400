import { join } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createDiceWriter } from '../formats/dice/write.ts'
import { loadReader } from '../formats/readers.ts'
import { detectFormat } from '../open/detect-format.ts'
import type { Annotation, DatasetClassInfo } from '../record/record.ts'
import {
  classesNamed,
  imageRecord,
  plainPng,
  readAll,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../testing/dataset-formats.ts'
import { convertDataset } from './convert-dataset.ts'

/** The formats that can hold a task, as in docs/datasets.md. */
const CARRIERS: Readonly<Record<TaskType, readonly TargetFormat[]>> = {
  detection: ['dice', 'coco', 'yolo', 'voc', 'labelme', 'huggingface'],
  segmentation: ['dice', 'coco', 'yolo', 'labelme', 'huggingface'],
  pose: ['dice', 'coco', 'yolo', 'labelme'],
  obb: ['dice', 'yolo', 'labelme', 'dota'],
  classification: ['dice', 'yolo', 'labelme', 'imagefolder', 'huggingface'],
}

const skeleton: [number, number][] = [[0, 1]]
const CLASSES: Readonly<Record<TaskType, DatasetClassInfo[]>> = {
  detection: classesNamed('고양이', 'dog', 'ant'),
  segmentation: classesNamed('고양이', 'dog', 'ant'),
  pose: classesNamed('person').map((info) => ({ ...info, keypoints: ['nose', 'left_eye', 'right_eye'], skeleton })),
  obb: classesNamed('ship', 'plane', 'car'),
  // Folders are sorted by name.
  classification: classesNamed('ant', 'dog', '고양이'),
}

/** Not square, and every number is different, so that confused coordinates or images are detected. */
const SIZE = { width: 64, height: 40 }

function annotationOf(task: TaskType, number: number): Annotation {
  const [x, y] = [5 + number, 3 + number / 2]
  const classId = number % CLASSES[task].length
  switch (task) {
    case 'detection':
      return { kind: 'box', classId, bbox: [x, y, 20.5, 10.25] }
    case 'segmentation':
      return { kind: 'polygon', classId, bbox: [x, y, 20, 10], polygons: [[x, y, x + 20, y + 1, x + 15, y + 10]] }
    case 'pose':
      return {
        kind: 'keypoints',
        classId,
        bbox: [x, y, 20, 10],
        keypoints: [x + 1, y + 2, 2, x + 10, y + 5, 1, 0, 0, 0],
      }
    case 'obb':
      return { kind: 'obb', classId, obb: [x + 5, y, x + 15, y + 5, x + 10, y + 15, x, y + 10] }
    case 'classification':
      return { kind: 'class', classId }
  }
}

const SPLITS = ['train', 'train', 'val', 'test'] as const

async function writeSource(dir: string, task: TaskType) {
  const records = SPLITS.map((split, number) =>
    imageRecord(`image ${number}.png`, {
      ...SIZE,
      split,
      file: join(dir, `image ${number}.png`),
      annotations:
        task === 'classification'
          ? [annotationOf(task, number)]
          : [annotationOf(task, number), annotationOf(task, number + 7)],
    }),
  )
  const context = writeContext(join(dir, 'source'), { taskType: task, classes: CLASSES[task] }, { images: 'copy' })
  await writeRecords(createDiceWriter, context, records)
  return records
}

/** The facts about an object that every format with the task keeps. */
function essence(
  task: TaskType,
  { classId, bbox, polygons, keypoints, obb }: Annotation,
  classes: readonly DatasetClassInfo[],
) {
  const numbers = { detection: bbox, segmentation: polygons?.flat(), pose: keypoints, obb, classification: [] }[task]
  return { name: classes[classId]?.name, numbers: numbers?.map((value) => Math.round(value * 1000) / 1000) }
}

test.each(
  Object.entries(CARRIERS).flatMap(([task, formats]) =>
    formats.flatMap((first) => formats.map((second) => [task as TaskType, first, second] as const)),
  ),
)('%s goes from %s to %s and nothing is lost', async (task, first, second) => {
  using folder = temporaryFolder(
    Object.fromEntries(
      SPLITS.map((_, number) => [`image ${number}.png`, plainPng(SIZE.width, SIZE.height, [number * 50, 0, 0])]),
    ),
  )
  const records = await writeSource(folder.dir, task)
  const [a, b] = [join(folder.dir, 'a'), join(folder.dir, 'b')]
  await convertDataset({ source: join(folder.dir, 'source'), target: a, to: first, task })
  expect((await detectFormat(a)).format).toBe(task === 'classification' && first === 'yolo' ? 'imagefolder' : first)
  await convertDataset({ source: a, target: b, from: first, to: second, task })
  const reader = await (await loadReader[second]())(b, { task })
  const back = await readAll(reader)
  expect(reader.classes.map(({ name }) => name)).toEqual(CLASSES[task].map(({ name }) => name))
  expect(back.records).toHaveLength(records.length)
  for (const record of records) {
    const found = back.records.find(({ path }) => path.endsWith(record.path))
    expect(found?.split, record.path).toBe(record.split)
    const [got, expected] = [found, record].map((item) =>
      item?.annotations.map((annotation) => essence(task, annotation, CLASSES[task])),
    )
    expect(got, record.path).toHaveLength(expected?.length ?? 0)
    for (const [index, annotation] of (expected ?? []).entries()) {
      expect(got?.[index]?.name).toBe(annotation.name)
      for (const [at, value] of (annotation.numbers ?? []).entries())
        expect(
          Math.abs((got?.[index]?.numbers?.[at] ?? Number.NaN) - value),
          `${record.path} ${index} ${at}`,
        ).toBeLessThan(0.002)
    }
  }
})
