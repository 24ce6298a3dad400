import { createHash, randomUUID } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type TrainyardClient } from '@trainyard/client'
import { packFolder } from '@trainyard/client/files'
import type { CreateJobInput, SplitName, TargetFormat, TaskType } from '@trainyard/contract'
import { type Annotation, convertDataset, type DatasetClassInfo } from '@trainyard/datasets'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { type EmbeddedRunner, startEmbeddedRunner } from '@trainyard/runner'
import { encode } from 'fast-png'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDiceWriter } from '../../packages/datasets/src/formats/dice/write.ts'
import {
  classesNamed,
  imageRecord,
  writeContext,
  writeRecords,
} from '../../packages/datasets/src/testing/dataset-formats.ts'
import { buildProgram } from '../../scripts/lib/build-program.ts'
import { jobWhen } from './prepare-training.ts'

/** The formats that can hold a task, as docs/datasets.md says. */
const CARRIERS: Readonly<Record<TaskType, readonly TargetFormat[]>> = {
  detection: ['dice', 'coco', 'yolo', 'voc', 'labelme'],
  segmentation: ['dice', 'coco', 'yolo', 'labelme'],
  pose: ['dice', 'coco', 'yolo', 'labelme'],
  obb: ['dice', 'yolo', 'labelme'],
  classification: ['dice', 'yolo', 'labelme', 'imagefolder'],
}
const SPLITS: SplitName[] = ['train', 'train', 'train', 'val', 'val', 'test']
const [WIDTH, HEIGHT] = [64, 40]

interface Found {
  told: { classes: { name: string }[]; splits: SplitName[]; counts: { images: number; labelled: number } }
  classes: string[]
  images: { sha256: string; split?: SplitName; width: number; height: number; annotations: Annotation[] }[]
}

let dir: string
let embedded: EmbeddedRunner
let client: TrainyardClient

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-matrix-'))
  // Forty processes of it: each would strip the types of the whole SDK.
  const trainerDir = await buildProgram({ main: 'tests/e2e/fetching-trainer/main.ts' }, join(dir, 'trainer'))
  await copyFile(new URL('./fetching-trainer/trainer.json', import.meta.url), join(trainerDir, 'trainer.json'))
  embedded = await startEmbeddedRunner({ trainerDir, databaseUrl: testDatabaseUrl() })
  client = createClient({ runnerUrl: embedded.url, token: embedded.token })
}, 60_000)
afterAll(async () => {
  await embedded?.close()
  await rm(dir, { recursive: true, force: true })
})

/** No two images have the same bytes: their digest says which is which, whatever a format names them. */
const pictures = SPLITS.map((_, number) => {
  const data = new Uint8Array(WIDTH * HEIGHT * 3).map((__, at) => (at * 7 + number * 31) % 256)
  return encode({ width: WIDTH, height: HEIGHT, channels: 3, data })
})
const digests = pictures.map((bytes) => createHash('sha256').update(bytes).digest('hex'))

const classesOf = (task: TaskType): DatasetClassInfo[] =>
  task === 'pose'
    ? [{ id: 0, name: 'person', keypoints: ['nose', 'left_eye', 'right_eye'], skeleton: [[0, 1]] }]
    : classesNamed('ant', 'dog', 'fox')

/** Every number another one, so that a mixed-up x and y, or image, shows. */
function objectOf(task: TaskType, number: number): Annotation {
  const [x, y] = [5 + number, 3 + number / 2]
  const classId = number % classesOf(task).length
  switch (task) {
    case 'detection':
      return { kind: 'box', classId, bbox: [x, y, 20.5, 10.25] }
    case 'segmentation':
      return { kind: 'polygon', classId, bbox: [x, y, 20, 10], polygons: [[x, y, x + 20, y + 1, x + 15, y + 10]] }
    case 'pose': {
      const keypoints = [x + 1, y + 2, 2, x + 10, y + 5, 1, 0, 0, 0]
      return { kind: 'keypoints', classId, bbox: [x, y, 20, 10], keypoints }
    }
    case 'obb':
      return { kind: 'obb', classId, obb: [x + 5, y, x + 15, y + 5, x + 10, y + 15, x, y + 10] }
    case 'classification':
      return { kind: 'class', classId }
  }
}

function essence(task: TaskType, { classId, bbox, polygons, keypoints, obb }: Annotation): [number, number[]] {
  const numbers = { detection: bbox, segmentation: polygons?.flat(), pose: keypoints, obb, classification: [] }[task]
  return [classId, [...(numbers ?? [])]]
}

const annotationsOf = (task: TaskType, number: number) =>
  task === 'classification' ? [objectOf(task, number)] : [objectOf(task, number), objectOf(task, number + 7)]

/** The source in a format, on disk. */
async function writeSource(task: TaskType, format: TargetFormat): Promise<string> {
  const at = join(dir, `${task}-${format}`)
  const pictureDir = join(at, 'pictures')
  await mkdir(pictureDir, { recursive: true })
  const records = await Promise.all(
    SPLITS.map(async (split, number) => {
      const file = join(pictureDir, `picture ${number}.png`)
      await writeFile(file, pictures[number] ?? '')
      const annotations = annotationsOf(task, number)
      return imageRecord(`picture ${number}.png`, { width: WIDTH, height: HEIGHT, split, file, annotations })
    }),
  )
  const target = join(at, 'dice')
  const context = writeContext(target, { taskType: task, classes: classesOf(task) }, { images: 'copy' })
  await writeRecords(createDiceWriter, context, records)
  if (format === 'dice') return target
  await convertDataset({ source: target, target: join(at, 'source'), to: format, task })
  return join(at, 'source')
}

async function fetchAll(task: TaskType, input: Omit<CreateJobInput, 'trainer'>): Promise<Record<string, Found>> {
  const out = join(dir, `found-${randomUUID()}.json`)
  const config = { formats: CARRIERS[task].join(), out }
  const { id } = await client.jobs.create({ trainer: 'acme/fetching', config, ...input })
  const job = await jobWhen(client, id, ({ state }) => ['succeeded', 'failed', 'cancelled'].includes(state), 'its end')
  expect(job.state, JSON.stringify(job.error)).toBe('succeeded')
  return JSON.parse(await readFile(out, 'utf8')) as Record<string, Found>
}

function check(task: TaskType, found: Record<string, Found>, splits: readonly SplitName[]): void {
  expect(Object.keys(found)).toEqual(CARRIERS[task])
  const names = classesOf(task).map(({ name }) => name)
  for (const [as, { told, classes, images }] of Object.entries(found)) {
    expect(told, as).toMatchObject({ splits: ['train', 'val', 'test'], counts: { images: 6, labelled: 6 } })
    expect([as, told.classes.map(({ name }) => name), classes]).toEqual([as, names, names])
    expect(images.map(({ sha256 }) => sha256).sort(), as).toEqual([...digests].sort())
    for (const image of images) {
      const number = digests.indexOf(image.sha256)
      const where = `${as}, picture ${number}`
      expect([where, image.split]).toEqual([where, splits[number]])
      const [got, expected] = [image.annotations, annotationsOf(task, number)].map((all) =>
        all.map((each) => essence(task, each)),
      )
      expect(
        got?.map(([classId]) => classId),
        where,
      ).toEqual(expected?.map(([classId]) => classId))
      for (const [index, [, numbers]] of (expected ?? []).entries()) {
        const seen = got?.[index]?.[1] ?? []
        expect(seen, where).toHaveLength(numbers.length)
        for (const [at, value] of numbers.entries()) {
          expect(Math.abs((seen[at] ?? Number.NaN) - value), `${where}, number ${at}`).toBeLessThan(0.002)
        }
      }
    }
  }
}

const CASES = (Object.keys(CARRIERS) as TaskType[]).flatMap((task) =>
  CARRIERS[task].map((format) => [task, format] as const),
)

describe('a dataset through the real runner and back, in every format that holds its task', () => {
  test.each(CASES)(
    '%s uploaded as %s, with its own splits and with those of a job',
    async (task, format) => {
      const source = await writeSource(task, format)
      const dataset = await client.datasets.upload(packFolder(source), { name: `${task}-${format}` })
      check(task, await fetchAll(task, { dataset: dataset.id }), SPLITS)

      // The cache holds the dataset by now, with its own splits; the job has its own over them.
      const paths = await readdir(source, { recursive: true })
      const pathOf = (number: number) => paths.filter((path) => path.endsWith(`picture ${number}.png`))
      const moved = await fetchAll(task, { dataset: dataset.id, split: { val: pathOf(0), test: pathOf(3) } })
      check(task, moved, ['val', 'train', 'train', 'test', 'val', 'test'])
    },
    120_000,
  )
})
