import { expect, it } from 'vitest'
import { readAll, temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'

it('pitfall 44: labels without image, images without label and names in another case are counted separately', async () => {
  using dir = temporaryFolder()
  const row = '0 0.5 0.5 0.2 0.2\n'
  writeTree(dir.path, {
    'data.yaml': 'train: train.txt\nval: images/val\nnames: [cat]\n',
    'train.txt': './images/train/a.jpg\n./images/train/b.png\n./images/train/c.png\n./images/train/gone.png\n',
    // The list has a.jpg.
    'images/train/a.JPG': [20, 10],
    'images/train/b.png': [20, 10],
    'images/train/c.png': [20, 10],
    'images/val/d.png': [20, 10],
    'labels/train/a.txt': row,
    'labels/train/b.txt': '',
    'labels/train/not-downloaded-1.txt': row,
    'labels/train/not-downloaded-2.txt': row,
    'labels/train/gone.txt': row,
  })
  const { reader, records } = await readAll(dir.path)
  expect(records.map(({ path, annotations }) => [path, annotations.length])).toEqual([
    ['images/train/a.JPG', 1],
    ['images/train/b.png', 0],
    ['images/train/c.png', 0],
    ['images/val/d.png', 0],
  ])
  const count = (reason: Parameters<NonNullable<typeof reader.losses>['count']>[0]) => reader.losses?.count(reason)
  expect(count('label-without-image')).toBe(3)
  expect(count('image-without-label')).toBe(2)
  expect(count('file-name-case')).toBe(1)
  expect(count('image-missing-file')).toBe(1)
})
