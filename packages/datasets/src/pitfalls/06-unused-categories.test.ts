import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, read } from '../testing/coco-dataset.ts'

const file = coco(
  [
    { category_id: 2, bbox: [10, 10, 20, 20] },
    { category_id: 3, bbox: [10, 10, 20, 10] },
  ],
  {
    categories: [
      { id: 0, name: 'animals', supercategory: 'none' },
      { id: 1, name: '__background__' },
      { id: 2, name: 'cat', supercategory: 'animals' },
      { id: 3, name: 'dog', supercategory: 'animals' },
    ],
  },
)

describe('pitfall 06: categories without annotations', () => {
  it('keep their numbers', async () => {
    const { reader, annotations } = await read(createFiles({ 'a.json': file }), 'coco')
    expect(reader.classes.map(({ name }) => name)).toEqual(['animals', '__background__', 'cat', 'dog'])
    expect(annotations.map(({ classId }) => classId)).toEqual([2, 3])
  })

  it('are dropped on request and listed in the report', async () => {
    const source = createFiles({ 'instances_train.json': file })
    const { report, text } = await convert(source, 'yolo', { dropUnusedClasses: true })
    expect(report.classes.map(({ name }) => name)).toEqual(['cat', 'dog'])
    expect(report.losses.find(({ reason }) => reason === 'class-dropped')?.examples).toEqual([
      'animals',
      '__background__',
    ])
    expect(text('labels/train/1.txt')).toBe('0 0.2 0.4 0.2 0.4\n1 0.2 0.3 0.2 0.2\n')
  })
})
