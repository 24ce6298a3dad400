import { describe, expect, test } from 'vitest'
import type { Annotation, DatasetReader, ImageRecord } from '../record/record.ts'
import { imageRecord, readAll } from '../testing/dataset-formats.ts'
import { memoryReader } from '../testing/memory-reader.ts'
import { editDataset } from './edit-dataset.ts'
import { mergeReaders } from './merge-readers.ts'

const box = (classId: number, side = 10, rest: Partial<Annotation> = {}): Annotation => ({
  kind: 'box',
  classId,
  bbox: [1, 1, side, side],
  ...rest,
})

const street = (records: ImageRecord[]): DatasetReader => memoryReader(records, ['car', 'bus', 'person'])

/** Each image with the names of its objects. */
async function named(reader: DatasetReader): Promise<Record<string, string[]>> {
  const { records } = await readAll(reader)
  return Object.fromEntries(
    records.map(({ path, annotations }) => [
      path,
      annotations.map(({ classId }) => reader.classes[classId]?.name ?? '?'),
    ]),
  )
}

describe('renaming', () => {
  test('classes that get the same name become one, and the others move up', async () => {
    const reader = street([imageRecord('a.png', { annotations: [box(0), box(1), box(2)] })])
    const edited = await editDataset(reader, { rename: { car: 'vehicle', bus: 'vehicle' } })
    expect(edited.classes.map(({ id, name }) => [id, name])).toEqual([
      [0, 'vehicle'],
      [1, 'person'],
    ])
    expect(await named(edited)).toEqual({ 'a.png': ['vehicle', 'vehicle', 'person'] })
  })

  test('two classes can change their names', async () => {
    const reader = street([imageRecord('a.png', { annotations: [box(0), box(1)] })])
    expect(await named(await editDataset(reader, { rename: { car: 'bus', bus: 'car' } }))).toEqual({
      'a.png': ['bus', 'car'],
    })
  })

  test('a class that does not exist and an empty name are refused', async () => {
    await expect(editDataset(street([]), { rename: { cra: 'x' } })).rejects.toThrow(
      'There is no class "cra"; expected one of "car", "bus", "person"',
    )
    await expect(editDataset(street([]), { rename: { car: ' ' } })).rejects.toThrow(
      'new name of the class "car" is empty',
    )
  })

  test('classes with other keypoints cannot become one', async () => {
    const reader = memoryReader([], [], {
      classes: [
        { id: 0, name: 'adult', keypoints: ['nose'] },
        { id: 1, name: 'child', keypoints: ['nose', 'eye'] },
      ],
    })
    await expect(editDataset(reader, { rename: { child: 'adult' } })).rejects.toThrow(
      'other keypoints (nose; nose, eye)',
    )
  })
})

describe('filtering', () => {
  test('an image that loses all its objects goes, and an image without objects stays', async () => {
    const records = [
      imageRecord('both.png', { annotations: [box(0), box(2)] }),
      imageRecord('bus.png', { annotations: [box(1)] }),
      imageRecord('empty.png'),
    ]
    const only = (emptyImages?: 'keep' | 'background' | 'drop') =>
      editDataset(street(records), { filter: { classes: ['person'], emptyImages } }).then(named)
    expect(await only()).toEqual({ 'both.png': ['person'], 'empty.png': [] })
    expect(await only('keep')).toEqual({ 'both.png': ['person'], 'bus.png': [], 'empty.png': [] })
    expect(await only('drop')).toEqual({ 'both.png': ['person'] })
  })

  test('sizes, splits and attributes decide together', async () => {
    const records = [
      imageRecord('a.png', {
        split: 'train',
        annotations: [box(0, 5), box(0, 20, { attributes: { occluded: false } }), box(0, 20, { attributes: {} })],
      }),
      imageRecord('b.png', { split: 'val', annotations: [box(0, 20, { attributes: { occluded: false } })] }),
      imageRecord('c.png', { annotations: [box(0, 20, { attributes: { occluded: false } })] }),
    ]
    const filter = { minArea: 100, maxArea: 400, attributes: { occluded: 'false' } }
    expect(await named(await editDataset(street(records), { filter: { ...filter, splits: ['train'] } }))).toEqual({
      'a.png': ['car'],
    })
    expect(await named(await editDataset(street(records), { filter: { ...filter, splits: ['unsplit'] } }))).toEqual({
      'c.png': ['car'],
    })
    expect(await named(await editDataset(street(records), { filter: { minImageSide: 81 } }))).toEqual({})
  })

  test.each([
    [{ classes: ['dog'] }, 'There is no class "dog"'],
    [{ minArea: -1 }, 'minArea is -1; expected a number from 0'],
    [{ minArea: 9, maxArea: 4 }, 'minArea is 9, above maxArea 4'],
    [{ withoutClasses: ['car', 'bus', 'person'] }, 'leaves no class'],
  ])('%j is refused', async (filter, message) => {
    await expect(editDataset(street([]), { filter })).rejects.toThrow(message)
  })
})

test('a larger sample holds the smaller one, and another seed takes others', async () => {
  const records = Array.from({ length: 100 }, (_, number) => imageRecord(`${number}.png`))
  const paths = async (count: number, seed?: string) =>
    Object.keys(await named(await editDataset(street(records), { sample: { count, seed } })))
  const small = await paths(10)
  expect(small).toHaveLength(10)
  expect(await paths(30)).toEqual(expect.arrayContaining(small))
  expect(await paths(10)).toEqual(small)
  expect(await paths(10, 'other')).not.toEqual(small)
  expect(await paths(1000)).toHaveLength(100)
  await expect(paths(0)).rejects.toThrow('The number of images is 0')
})

describe('merging', () => {
  test('classes meet by name, and paths and ids that occur twice are told apart', async () => {
    const day = memoryReader(
      [imageRecord('1.png', { id: 1, annotations: [box(0, 10, { id: 7 }), box(1)] })],
      ['car', 'bus'],
    )
    const night = memoryReader(
      [imageRecord('1.png', { id: 1, annotations: [box(0, 10, { id: 7 }), box(1)] })],
      ['bus', 'tram'],
    )
    const sources = [
      { name: 'day', reader: day },
      { name: 'night', reader: night },
    ]
    const merged = await mergeReaders(sources, { sameBytes: 'all' })
    const { records, losses } = await readAll(merged)
    expect(merged.classes.map(({ name }) => name)).toEqual(['car', 'bus', 'tram'])
    expect(records.map(({ path, id }) => [path, id])).toEqual([
      ['1.png', 1],
      ['night/1.png', undefined],
    ])
    expect(records[1]?.annotations.map(({ classId, id }) => [classId, id])).toEqual([
      [1, undefined],
      [2, undefined],
    ])
    expect(losses).toEqual([{ reason: 'image-renamed', count: 1, examples: ['1.png of "night" is night/1.png'] }])
  })

  test('datasets of other tasks need the task to merge them for', async () => {
    const sources = [
      { name: 'boxes', reader: memoryReader([], ['a']) },
      { name: 'poses', reader: memoryReader([], ['a'], { taskType: 'pose' }) },
    ]
    await expect(mergeReaders(sources, { sameBytes: 'all' })).rejects.toThrow(
      '"boxes" is for detection and "poses" for pose; give the task',
    )
    expect((await mergeReaders(sources, { sameBytes: 'all', task: 'detection' })).taskType).toBe('detection')
  })
})
