import { describe, expect, it } from 'vitest'
import { coco, createFiles, read } from '../testing/coco-dataset.ts'
import { encodeCounts } from '../testing/encode-counts.ts'

const counts = [0, 7, 1003, 12, 40, 2000, 1938]

describe('pitfall 03: compressed and plain run lengths', () => {
  it('give the same mask', async () => {
    const plain = coco([{ segmentation: { size: [50, 100], counts } }])
    const packed = coco([{ segmentation: { size: [50, 100], counts: encodeCounts(counts) } }])
    const [a, b] = await Promise.all([plain, packed].map((file) => read(createFiles({ 'a.json': file }), 'coco')))
    expect(a?.annotations[0]?.rle).toEqual({ height: 50, width: 100, counts })
    expect(b?.annotations[0]?.rle).toEqual(a?.annotations[0]?.rle)
  })

  it('reads counts that pycocotools wrote', async () => {
    // pycocotools.mask.encode of a 3 × 4 mask (rows × columns) whose middle row is set.
    const segmentation = { size: [3, 4], counts: '11200000O' }
    const file = coco([{ segmentation }], { images: [{ id: 1, file_name: '1.jpg', width: 4, height: 3 }] })
    const { annotations } = await read(createFiles({ 'a.json': file }), 'coco')
    expect(annotations[0]?.rle?.counts).toEqual([1, 1, 2, 1, 2, 1, 2, 1, 1])
    expect(annotations[0]?.bbox).toEqual([0, 1, 4, 1])
  })

  it('counts a damaged mask and keeps the box', async () => {
    const file = coco([{ bbox: [1, 2, 3, 4], segmentation: { size: [50, 100], counts: '!!' } }])
    const { annotations, reader } = await read(createFiles({ 'a.json': file }), 'coco')
    expect(annotations[0]).toMatchObject({ kind: 'box', bbox: [1, 2, 3, 4] })
    expect(reader.losses?.count('mask-dropped')).toBe(1)
  })
})
