import { expect, it } from 'vitest'
import { createJpeg } from '../testing/test-images.ts'
import { temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

const annotations = [{ kind: 'box' as const, classId: 0, bbox: [10, 10, 20, 20] as [number, number, number, number] }]

it('pitfall 10: a size of 0 is replaced by the size in the header, after EXIF rotation', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'a.png': [200, 100],
    'b.jpg': createJpeg({ width: 100, height: 200, orientation: 6 }),
  })
  const { text, lost } = await writeYolo(dir.path, 'detection', [
    { path: 'a.png', file: `${dir.path}/a.png`, width: 0, height: 0, annotations },
    { path: 'b.jpg', file: `${dir.path}/b.jpg`, width: 0, height: 0, annotations },
  ])
  expect(text('labels/train/a.txt')).toBe('0 0.1 0.2 0.1 0.2\n')
  expect(text('labels/train/b.txt')).toBe('0 0.1 0.2 0.1 0.2\n')
  expect(lost('image-size-unknown')).toBe(0)
})

it('pitfall 10: an image of unknown size is skipped and counted, unless it has no objects', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'detection', [
    { path: 'gone.png', width: 0, height: 0, annotations },
    { path: 'empty.png', width: 0, height: 0, annotations: [] },
  ])
  expect(lost('image-size-unknown')).toBe(1)
  expect(() => text('labels/train/gone.txt')).toThrow('ENOENT')
  expect(text('labels/train/empty.txt')).toBe('')
})
