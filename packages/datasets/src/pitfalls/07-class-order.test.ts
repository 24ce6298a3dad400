import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, read } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]
const cat = { id: 4, name: 'cat' }
const dog = { id: 9, name: 'dog' }
const owl = { id: 12, name: 'owl' }

describe('pitfall 07: one list of classes for all splits', () => {
  it('when each file lists other classes in another order', async () => {
    const dir = createFiles({
      'annotations/instances_train.json': coco([{ category_id: 12, bbox }], { categories: [owl, cat] }),
      'annotations/instances_val.json': coco([{ category_id: 9, bbox }], { categories: [dog, cat] }),
    })
    const { reader, records } = await read(dir, 'coco')
    expect(reader.classes.map(({ name }) => name)).toEqual(['cat', 'dog', 'owl'])
    expect(records.map(({ split, annotations }) => [split, annotations[0]?.classId])).toEqual([
      ['train', 2],
      ['val', 1],
    ])
  })

  it('by name when files number the classes differently', async () => {
    const dir = createFiles({
      'train/_annotations.coco.json': coco([{ category_id: 1, bbox }], { categories: [{ id: 1, name: 'cat' }] }),
      'valid/_annotations.coco.json': coco([{ category_id: 1, bbox }], {
        categories: [
          { id: 1, name: 'dog' },
          { id: 2, name: 'cat' },
        ],
      }),
    })
    const { reader, annotations } = await read(dir, 'coco')
    expect(reader.classes.map(({ name }) => name)).toEqual(['cat', 'dog'])
    expect(annotations.map(({ classId }) => classId)).toEqual([0, 1])
    expect(reader.losses?.count('class-renumbered')).toBe(1)
  })

  it('also when the dataset is exported again, in every format', async () => {
    const source = createFiles({
      'instances_train.json': coco([{ category_id: 12, bbox }], {
        categories: [owl, dog, cat],
        images: [image(1), image(2)],
      }),
    })
    for (const to of ['coco', 'dice', 'yolo', 'voc', 'labelme'] as const) {
      const { report, dir, text } = await convert(source, to)
      expect([to, report.classes.map(({ name }) => name)]).toEqual([to, ['cat', 'dog', 'owl']])
      if (to === 'yolo') {
        expect(text('data.yaml').match(/cat|dog|owl/g)).toEqual(['cat', 'dog', 'owl'])
        continue
      }
      const { reader } = await read(dir, to)
      // LabelMe has no list of classes, so only used classes are kept.
      if (to !== 'labelme') expect([to, reader.classes.map(({ name }) => name)]).toEqual([to, ['cat', 'dog', 'owl']])
    }
  })
})
