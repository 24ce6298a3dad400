import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, read } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]
const categories = (...ids: (number | string)[]) => ids.map((id) => ({ id, name: `class of ${id}` }))

describe('pitfall 04: category ids are any numbers', () => {
  it.each([
    ['with gaps, in any order', [90, 3, 17], [3, 17, 90]],
    ['from 0', [0, 1, 2], [0, 1, 2]],
    ['as text', ['10', '9', '2'], ['2', '9', '10']],
  ])('%s: classes are numbered in the order of the ids', async (_what, ids, sorted) => {
    const annotations = ids.map((category_id) => ({ category_id, bbox }))
    const dir = createFiles({ 'a.json': coco(annotations, { categories: categories(...ids) }) })
    const { reader, annotations: found } = await read(dir, 'coco')
    expect(reader.classes.map(({ id, sourceId }) => [id, sourceId])).toEqual(sorted.map((id, number) => [number, id]))
    expect(found.map(({ classId }) => classId)).toEqual(ids.map((id) => (sorted as unknown[]).indexOf(id)))
  })

  it('treats a number and the same number as text as one id', async () => {
    const file = coco([{ category_id: '7', bbox }], { categories: categories(3, 7) })
    expect((await read(createFiles({ 'a.json': file }), 'coco')).annotations[0]?.classId).toBe(1)
  })

  it('counts annotations of an unknown category', async () => {
    const file = coco([{ category_id: 5, bbox }, { bbox }])
    const { report, count } = await convert(createFiles({ 'instances_train.json': file }), 'yolo')
    expect(report.annotations).toBe(1)
    expect(count('annotation-of-unknown-class')).toBe(1)
  })

  it('keeps the ids from COCO to COCO', async () => {
    const file = coco([{ category_id: 17, bbox }], { categories: categories(90, 17) })
    const { json } = await convert(createFiles({ 'instances_train.json': file }), 'coco')
    const result = json<{ annotations: { category_id: number }[]; categories: { id: number }[] }>(
      'annotations/instances_train.json',
    )
    expect(result.annotations[0]?.category_id).toBe(17)
    expect(result.categories.map(({ id }) => id)).toEqual([17, 90])
  })
})
