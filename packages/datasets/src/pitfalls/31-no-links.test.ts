import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inspectImage } from '../images/image-header.ts'
import { createJpeg } from '../testing/test-images.ts'
import { temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 31: images are copies, so that a trainer that rewrites them does not change the source', async () => {
  using dir = temporaryFolder()
  const file = join(dir.path, 'cache/1.jpg')
  writeTree(dir.path, { 'cache/1.jpg': createJpeg({ width: 100, height: 50, hasEnd: false }) })
  chmodSync(file, 0o444)
  await writeYolo(dir.path, 'detection', [{ path: '1.jpg', file, annotations: [] }])
  const copy = join(dir.path, 'target/images/train/1.jpg')
  expect(statSync(copy).ino).not.toBe(statSync(file).ino)
  expect(statSync(copy).nlink).toBe(1)
  const before = readFileSync(file)
  writeFileSync(copy, 'rewritten')
  expect(readFileSync(file)).toEqual(before)
})

it('pitfall 31: a JPEG without its end, which such a trainer rewrites, is reported', () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'whole.jpg': createJpeg({ width: 100, height: 50 }),
    'cut.jpg': createJpeg({ width: 100, height: 50, hasEnd: false }),
  })
  expect(inspectImage(join(dir.path, 'whole.jpg'), 'whole.jpg').isTruncated).toBe(false)
  expect(inspectImage(join(dir.path, 'cut.jpg'), 'cut.jpg').isTruncated).toBe(true)
})
