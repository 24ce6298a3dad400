import { expect, it } from 'vitest'
import { coco, convert, createFiles } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]

it.each(['difficult', 'ignore'])(
  'objects with the mark %s are kept, and skipped and counted on request',
  async (mark) => {
    const marked = { bbox: [40, 10, 20, 20] }
    const annotations = [{ bbox }, { ...marked, [mark]: 1 }, { ...marked, [mark]: 0 }, { ...marked, [mark]: true }]
    const source = createFiles({ 'instances_train.json': coco(annotations) })
    expect((await convert(source, 'coco')).report.annotations).toBe(4)
    const { report, count } = await convert(source, 'coco', { ignored: 'skip' })
    expect([report.annotations, count('ignored-skipped')]).toEqual([2, 2])
  },
)
