import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Dataset } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { type DatasetReader, type ImageRecord, openDataset } from '@trainyard/datasets'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerDataset } from './registration/register-dataset.ts'
import { createDatasetsTest, dice, type Files, png, tarOf } from './testing/test-datasets.ts'

let area: Awaited<ReturnType<typeof createDatasetsTest>>
let dir: string
let count = 0
beforeAll(async () => {
  area = await createDatasetsTest()
  dir = await mkdtemp(join(tmpdir(), 'trainyard-one-reader-'))
})
afterAll(async () => {
  await area.close()
  await rm(dir, { recursive: true, force: true })
})

async function register(files: Files): Promise<Dataset> {
  const bytes = await tarOf(files)
  async function* body() {
    yield bytes
  }
  const { dataset } = await registerDataset(area.context, {
    projectId: 'prj_default',
    name: `same ${++count}`,
    body: body(),
  })
  return dataset
}

async function open(files: Files): Promise<{ reader: DatasetReader; records: ImageRecord[] }> {
  const folder = join(dir, String(++count))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  const reader = await openDataset(folder)
  const records: ImageRecord[] = []
  for await (const record of reader.images()) records.push(record)
  return { reader, records }
}

/** Registers a dataset and opens it as a trainer does; both must report the same. */
async function readBothWays(files: Files): Promise<Dataset> {
  const [dataset, { reader, records }] = [await register(files), await open(files)]
  expect(dataset.format).toBe(reader.format)
  expect(dataset.taskType).toBe(reader.taskType)
  expect(dataset.classes.map(({ id, name }) => [id, name])).toEqual(reader.classes.map(({ id, name }) => [id, name]))
  expect(dataset.counts.images).toBe(records.length)
  expect(dataset.counts.annotations).toBe(records.reduce((sum, { annotations }) => sum + annotations.length, 0))
  return dataset
}

async function refuseBothWays(files: Files): Promise<{ registration: string; error: DatasetError }> {
  const registration = await register(files).catch((caught: unknown) => caught)
  expect(registration).toMatchObject({ code: 'unprocessable' })
  const error = await open(files).catch((caught: unknown) => caught)
  if (!(error instanceof DatasetError)) throw new Error(`expected a DatasetError, got ${error}`)
  return { registration: String(registration), error }
}

const obb = { class_id: 0, type: 'obb', geometry: { points: [1, 1, 5, 1, 5, 5, 1, 5] } }

describe('registration and @trainyard/datasets agree on', () => {
  it('the order of class folders: by code point', async () => {
    // U+FF21 sorts before U+1F600, although the first UTF-16 unit of U+1F600 (D83D) is smaller.
    const { classes } = await readBothWays({
      'train/\u{1f600}/1.png': png(1),
      'train/\uff21/2.png': png(2),
      'val/zebra/3.png': png(3),
    })
    expect(classes.map(({ name }) => name)).toEqual(['zebra', '\uff21', '\u{1f600}'])
  })

  it('images in folders inside a class folder', async () => {
    const { counts } = await readBothWays({ 'train/cat/day/1.png': png(1), 'train/dog/2.png': png(2) })
    expect(counts).toMatchObject({ images: 2, labelled: 2 })
  })

  it('DICE class ids: positions in the order of the ids', async () => {
    const classes = [
      { id: 7, name: 'seven' },
      { id: 3, name: 'three' },
    ]
    const { classes: registered } = await readBothWays({
      'annotations.json': dice([{ file_name: 'a.png', annotations: [{ class_id: 7 }] }], { classes }),
      'a.png': png(),
    })
    expect(registered).toEqual([
      { id: 0, name: 'three' },
      { id: 1, name: 'seven' },
    ])
  })

  it.each(['nested', 'flat'])(
    'oriented boxes that first appear in image 1,001 (%s)',
    async (variant) => {
      const images = Array.from({ length: 1001 }, (_, id) => ({ id, file_name: `${id}.png` }))
      const annotations = images.map(({ id }) => ({
        image_id: id,
        ...(id === 1000 ? obb : { class_id: 0, bbox: [1, 1, 2, 2] }),
      }))
      const file =
        variant === 'nested'
          ? dice(images.map((image, index) => ({ ...image, annotations: [annotations[index]] })))
          : dice(
              images.map((image) => ({ ...image, annotations: undefined })),
              { annotations },
            )
      const pixels = Object.fromEntries(images.map(({ file_name }, index) => [file_name, png(index)]))
      const { taskType } = await readBothWays({
        'annotations.json': JSON.stringify({ ...JSON.parse(file), task_type: 'geometry_detection' }),
        ...pixels,
      })
      expect(taskType).toBe('obb')
    },
    60_000,
  )

  it('a class that is called "obb": its boxes are not oriented', async () => {
    const { error } = await refuseBothWays({
      'annotations.json': dice(
        [{ file_name: 'a.png', annotations: [{ class_id: 0, class_name: 'obb', attributes: { type: 'obb' } }] }],
        { task_type: 'geometry_detection', classes: [{ id: 0, name: 'obb' }] },
      ),
      'a.png': png(),
    })
    expect(error.reason).toBe('unknown-task')
  })

  it.each(['line_detection', 'geometry_detection'])('the DICE task %s, which no trainer knows', async (task_type) => {
    const { registration, error } = await refuseBothWays({
      'annotations.json': dice([{ file_name: 'a.png' }], { task_type }),
      'a.png': png(),
    })
    expect(registration).toContain(`"${task_type}"`)
    expect(error.message).toContain(`"${task_type}"`)
    expect(error.reason).toBe('unknown-task')
  })

  it('flat DICE with categories', async () => {
    const { classes, images: _, ...head } = JSON.parse(dice([]))
    const { counts } = await readBothWays({
      'annotations.json': JSON.stringify({
        ...head,
        categories: classes,
        images: [
          { id: 'a', file_name: 'a.png', split: 'val' },
          { id: 'b', file_name: 'b.png', split: 'train' },
        ],
        annotations: [
          { image_id: 'b', category_id: 1, bbox: [1, 1, 2, 2] },
          { image_id: 'a', category_id: 0, bbox: [1, 1, 2, 2] },
          { image_id: 'b', category_id: 0, bbox: [1, 1, 2, 2] },
        ],
      }),
      'a.png': png(1),
      'b.png': png(2),
    })
    expect(counts).toMatchObject({ images: 2, annotations: 3, splits: { train: 1, val: 1, test: 0 } })
  })
})
