import { describe, expect, it } from 'vitest'
import { coco, createFiles, read } from '../testing/coco-dataset.ts'

const GAPS = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91]

describe('pitfall 05: the table of 91 to 80 classes is for COCO only', () => {
  it('is not needed for COCO: its 80 ids with gaps become 0 to 79 in order', async () => {
    const ids = Array.from({ length: 91 }, (_, index) => index + 1).filter((id) => !GAPS.includes(id))
    const categories = ids.map((id) => ({ id, name: `name ${id}` }))
    const { reader } = await read(createFiles({ 'a.json': coco([{ bbox: [0, 0, 9, 9] }], { categories }) }), 'coco')
    expect(reader.classes).toHaveLength(80)
    expect(reader.classes.at(-1)).toMatchObject({ id: 79, sourceId: 90 })
  })

  it('is not applied to a dataset that uses the missing numbers', async () => {
    const categories = GAPS.map((id) => ({ id, name: `own ${id}` }))
    const annotations = GAPS.map((category_id) => ({ category_id, bbox: [0, 0, 9, 9] }))
    const found = await read(createFiles({ 'a.json': coco(annotations, { categories }) }), 'coco')
    expect(found.annotations.map(({ classId }) => classId)).toEqual(GAPS.map((_, index) => index))
  })
})
