import { join } from 'node:path'
import { expect, it } from 'vitest'
import { indexDataset } from '../indexing/index-dataset.ts'
import type { DatasetReader } from '../record/record.ts'
import { createJpeg } from '../testing/test-images.ts'
import { readAll, temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'pitfall 11: labels of a photo with EXIF orientation %i are relative to the image as shown',
  async (orientation) => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'classes.txt': 'cat\n',
      'images/1.jpg': createJpeg({ width: 400, height: 300, orientation }),
      'labels/1.txt': '0 0.5 0.5 0.1 0.1\n',
    })
    const { records } = await readAll(dir.path)
    const [width, height] = orientation >= 5 ? [300, 400] : [400, 300]
    expect(records[0]).toMatchObject({ width, height })
    const [x, y, boxWidth, boxHeight] = records[0]?.annotations[0]?.bbox ?? []
    expect([x, y, boxWidth, boxHeight].map((value) => Math.round(value ?? 0))).toEqual([
      width * 0.45,
      height * 0.45,
      width * 0.1,
      height * 0.1,
    ])
  },
)

it('pitfall 11: a size that differs from the image as shown leaves the image out, with both sizes', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, { '1.jpg': createJpeg({ width: 400, height: 300, orientation: 6 }) })
  const reader = (width: number, height: number): DatasetReader => ({
    format: 'dice',
    taskType: 'detection',
    classes: [{ id: 0, name: 'cat' }],
    async *images() {
      const annotations = [{ kind: 'box' as const, classId: 0, bbox: [0, 0, 9, 9] as [number, number, number, number] }]
      yield { path: '1.jpg', file: join(dir.path, '1.jpg'), width, height, split: 'train', annotations }
    },
  })
  await expect(indexDataset(dir.path, reader(400, 300))).rejects.toThrow(
    /"1\.jpg" is 300 × 400 pixels, but the dataset says 400 × 300, its sides before the EXIF orientation 6/,
  )
  await expect(indexDataset(dir.path, reader(300, 400))).resolves.toMatchObject({ counts: { images: 1 } })
})
