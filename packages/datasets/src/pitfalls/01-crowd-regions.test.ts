import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, SQUARE, SQUARE_BOX } from '../testing/coco-dataset.ts'

const crowd = { iscrowd: 1, bbox: SQUARE_BOX, segmentation: { size: [50, 100], counts: [510, 20, 4470] } }
const single = { iscrowd: 0, bbox: SQUARE_BOX, segmentation: SQUARE }

describe('pitfall 01: crowd regions', () => {
  it('are skipped in YOLO labels and counted', async () => {
    const source = createFiles({ 'instances_train.json': coco([crowd, single]) })
    const { report, count, text } = await convert(source, 'yolo')
    expect(report.annotations).toBe(1)
    expect(count('crowd-skipped')).toBe(1)
    expect(text('labels/train/1.txt').trim().split('\n')).toHaveLength(1)
  })

  it('are kept on request, for exporters that mark every mask as a crowd', async () => {
    const source = createFiles({ 'instances_train.json': coco([crowd, crowd]) })
    expect((await convert(source, 'yolo', { crowd: 'keep', task: 'detection' })).report.annotations).toBe(1)
    const { count, report } = await convert(source, 'yolo')
    expect(report.annotations).toBe(0)
    expect(count('crowd-skipped')).toBe(2)
  })

  it('stay crowd regions from COCO to COCO and to DICE', async () => {
    const source = createFiles({ 'instances_train.json': coco([crowd, single]) })
    const result = await convert(source, 'coco')
    const { annotations } = result.json<{ annotations: { iscrowd: number; segmentation: unknown }[] }>(
      'annotations/instances_train.json',
    )
    expect(annotations.map(({ iscrowd }) => iscrowd)).toEqual([1, 0])
    expect(annotations[0]?.segmentation).toEqual(crowd.segmentation)
    expect((await convert(source, 'dice')).report.annotations).toBe(2)
  })
})
