import type { FieldIssue } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { describe, expect, it } from 'vitest'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { readAll, temporaryFolder } from '../../testing/dataset-formats.ts'
import { readDice } from './read.ts'

type Member = Record<string, unknown>

const box = { class_id: 0, bbox: [1, 1, 2, 2] }
const obb = { class_id: 0, type: 'obb', geometry: { points: [1, 1, 5, 1, 5, 5, 1, 5] } }

function dice(images: Member[], more: Member = {}): string {
  return JSON.stringify({
    format_version: '1.0',
    task_type: 'object_detection',
    classes: [{ id: 0, name: 'cat' }],
    images: images.map((image, id) => ({ id, file_name: `${id}.png`, ...image })),
    ...more,
  })
}

async function open(text: string, options: ReadOptions = {}): Promise<DatasetReader> {
  using folder = temporaryFolder({ 'annotations.json': text })
  const reader = await readDice(folder.dir, options)
  const { records } = await readAll(reader)
  return {
    ...reader,
    images: async function* () {
      yield* records
    },
  }
}

async function errorOf(text: string, options: ReadOptions = {}): Promise<DatasetError> {
  const error = await open(text, options).catch((caught: unknown) => caught)
  if (!(error instanceof DatasetError)) throw new Error(`expected a DatasetError, got ${error}`)
  return error
}

describe('the task of a DICE file', () => {
  const plain = Array.from({ length: 1200 }, () => ({ annotations: [box] }))

  it('is obb when any annotation of a geometry_detection file is an oriented box', async () => {
    const images = [...plain, { annotations: [box, obb] }, ...plain]
    expect(await open(dice(images, { task_type: 'geometry_detection' }))).toMatchObject({ taskType: 'obb' })
  })

  it('is obb also in the flat variant, and when task_type comes after the images', async () => {
    const { task_type: _, ...file } = JSON.parse(dice(plain.map(() => ({}))))
    file.annotations = file.images.map(({ id }: { id: number }) => ({ image_id: id, ...(id === 1100 ? obb : box) }))
    file.task_type = 'geometry_detection'
    expect(await open(JSON.stringify(file))).toMatchObject({ taskType: 'obb' })
  })

  it('is that of task_type in other files, though they hold oriented boxes', async () => {
    expect(await open(dice([{ annotations: [obb] }]))).toMatchObject({ taskType: 'detection' })
  })

  it.each([
    ['line_detection', [{ class_id: 0, polyline: [1, 1, 2, 2] }]],
    ['geometry_detection', [{ class_id: 0, circle: { center: [1, 1], radius: 1 } }]],
    ['geometry_detection', [{ class_id: 0, class_name: 'obb', attributes: { type: 'obb' } }]],
  ])('is unknown for %s with %j, unless the caller names one', async (task_type, annotations) => {
    const text = dice([{ annotations }], { task_type })
    const error = await errorOf(text)
    expect(error.reason).toBe('unknown-task')
    expect(error.issues).toMatchObject([{ path: 'task_type', value: task_type }])
    const reader = await open(text, { task: 'detection' })
    expect(reader.taskType).toBe('detection')
    expect((await readAll(reader)).records[0]?.annotations).toHaveLength(1)
  })
})

describe('a DICE file that cannot be used', () => {
  it('is refused with all mistakes in its head', async () => {
    const classes = [
      { id: 0, name: 'a' },
      { id: 0, name: 'b' },
      { id: -2, name: 'c' },
    ]
    const error = await errorOf(dice([{}], { classes, storage_info: { image_root: '../up' } }))
    expect(error.reason).toBe('invalid')
    expect(error.issues.map(({ path, value }) => [path, value])).toEqual([
      ['classes[1].id', 0],
      ['classes[2].id', -2],
      ['storage_info.image_root', '../up'],
    ])
    expect(error.message).toContain('classes[1].id in annotations.json must be unique')
    expect(error.message).toContain('and 2 more')
  })

  it.each([
    ['no images', dice([]), 'no-images'],
    ['COCO', '{"images":[],"annotations":[],"categories":[]}', 'invalid'],
    ['images that are not a list', dice([], { images: {} }), 'invalid'],
  ])('has a reason: %s', async (_what, text, reason) => {
    expect(await errorOf(text)).toMatchObject({ reason })
  })

  it('names the folder as the caller does', async () => {
    using folder = temporaryFolder()
    const error = await readDice(folder.dir, { name: 'the archive' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ reason: 'no-annotations', message: expect.stringMatching(/ in the archive$/) })
  })

  const mistakes = [
    { annotations: [{ class_id: 7 }, box] },
    { file_name: '../up.png' },
    { annotations: [{ class_id: 'cat' }] },
    { file_name: '0.png' },
    { annotations: [{ class_id: 0, bbox: [1, 2, -3, 4] }] },
    { annotations: [box] },
  ]

  it('is read without what is wrong, which is counted', async () => {
    const { records, losses } = await readAll(await open(dice(mistakes)))
    expect(records.map(({ field, annotations }) => [field, annotations.length])).toEqual([
      ['images[0]', 1],
      ['images[2]', 0],
      ['images[4]', 0],
      ['images[5]', 1],
    ])
    expect(losses.map(({ reason, examples }) => [reason, ...examples.map((text) => text.split(' ')[0])])).toEqual([
      ['annotation-invalid', 'images[2].annotations[0].class_id', 'images[4].annotations[0]'],
      ['annotation-of-unknown-class', 'images[0].annotations[0].class_id'],
      ['image-duplicate', 'images[3].file_name'],
      ['image-unsafe-path', 'images[1].file_name'],
    ])
  })

  it('is read to its end when the caller collects the issues', async () => {
    const issues: FieldIssue[] = []
    const reader = await open(dice(mistakes), { onIssue: (issue) => issues.push(issue) })
    expect(issues.map(({ path }) => path)).toEqual([
      'images[0].annotations[0].class_id',
      'images[1].file_name',
      'images[2].annotations[0].class_id',
      'images[3].file_name',
      'images[4].annotations[0].bbox',
    ])
    const { records } = await readAll(reader)
    expect(records.map(({ field, annotations }) => [field, annotations.length])).toEqual([
      ['images[0]', 1],
      ['images[4]', 0],
      ['images[5]', 1],
    ])
  })

  it('names annotations of the flat variant by their own position', async () => {
    const issues: FieldIssue[] = []
    const annotations = [
      { image_id: 1, ...box },
      { image_id: 0, ...box, class_id: 'cat' },
      { image_id: 1, ...box, class_id: 9 },
    ]
    await open(dice([{}, {}], { annotations }), { onIssue: (issue) => issues.push(issue) })
    expect(issues.map(({ path }) => path)).toEqual(['annotations[1].class_id', 'annotations[2].class_id'])
  })
})
