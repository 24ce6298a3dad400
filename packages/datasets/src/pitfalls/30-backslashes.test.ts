import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readLabelme } from '../formats/labelme/read.ts'
import { readVoc } from '../formats/voc/read.ts'
import { plainPng, readAll, temporaryFolder } from '../testing/dataset-formats.ts'

it('pitfall 30: LabelMe files from Windows find their images on every system', async () => {
  const file = (imagePath: string) => JSON.stringify({ shapes: [], imagePath })
  using folder = temporaryFolder({
    'json/1.json': file('..\\images\\1.png'),
    'json/2.json': file('sub\\..\\2.png'),
    'json/3.json': file('C:\\Users\\me\\3.png'),
    'images/1.png': plainPng(2, 2),
    'json/2.png': plainPng(2, 2),
    'json/3.png': plainPng(2, 2),
  })
  const { records, losses } = await readAll(await readLabelme(folder.dir))
  expect(records.map(({ path, file: pixels }) => [path, pixels])).toEqual(
    ['images/1.png', 'json/2.png', 'json/3.png'].map((path) => [path, join(folder.dir, path)]),
  )
  expect(losses.map(({ reason, count }) => [reason, count])).toEqual([['image-unsafe-path', 1]])
})

it('pitfall 30: Pascal VOC files from Windows find their images on every system', async () => {
  using folder = temporaryFolder({
    'Annotations/1.xml': '<annotation><filename>sub\\1.png</filename></annotation>',
    'JPEGImages/sub/1.png': plainPng(2, 2),
  })
  const { records } = await readAll(await readVoc(folder.dir))
  expect(records).toMatchObject([{ path: 'JPEGImages/sub/1.png', file: join(folder.dir, 'JPEGImages/sub/1.png') }])
})
