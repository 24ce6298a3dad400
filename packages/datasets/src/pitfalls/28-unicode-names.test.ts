import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listFiles } from '../files/list-files.ts'
import { readVoc } from '../formats/voc/read.ts'
import { createVocWriter } from '../formats/voc/write.ts'
import {
  classesNamed,
  imageRecord,
  plainPng,
  readAll,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../testing/dataset-formats.ts'
import { createOutputNames } from '../writing/output-names.ts'

it('pitfall 28: names in any script are kept', async () => {
  using folder = temporaryFolder()
  const paths = ['한글 사진.png', '照片/图.png', 'ñandú.png', '🐈.png']
  const context = writeContext(folder.dir, { taskType: 'detection', classes: classesNamed('고양이') })
  expect(
    await writeRecords(
      createVocWriter,
      context,
      paths.map((path) => imageRecord(path, { split: 'train' })),
    ),
  ).toEqual([])
  const reader = await readVoc(folder.dir)
  expect(reader.classes).toEqual(classesNamed('고양이'))
  const { records } = await readAll(reader)
  expect(records.map(({ path, split }) => [path, split]).sort()).toEqual(
    paths.map((path) => [`JPEGImages/${path}`, 'train']).sort(),
  )
})

it('pitfall 28: a file with a name decomposed by macOS is found by the composed name, and vice versa', async () => {
  const [composed, decomposed] = ['가.png'.normalize('NFC'), '나.png'.normalize('NFD')]
  const xml = (name: string) => `<annotation><filename>${name}</filename></annotation>`
  using folder = temporaryFolder({
    'Annotations/1.xml': xml(composed),
    'Annotations/2.xml': xml(decomposed),
    [`JPEGImages/${composed.normalize('NFD')}`]: plainPng(2, 2),
    [`JPEGImages/${decomposed.normalize('NFC')}`]: plainPng(2, 2),
  })
  const { records, losses } = await readAll(await readVoc(folder.dir))
  expect(records.map(({ file }) => file !== undefined)).toEqual([true, true])
  expect(losses).toEqual([])
})

it('pitfall 28: a name that is too long for the file system is cut between letters and stays unique', () => {
  const names = createOutputNames()
  const [first, second] = ['가'.repeat(100), '가'.repeat(101)].map((name) => names.next(`${name}.png`))
  expect(first).not.toBe(second)
  for (const name of [first, second]) {
    expect(Buffer.byteLength(name ?? '')).toBeLessThanOrEqual(255)
    expect(name).toMatch(/^가{60,}_[0-9a-f]{8}\.png$/)
  }
})

it('pitfall 28: a name that is not UTF-8 is skipped and reported, not opened as another file', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.dir, 'a'))
  writeFileSync(Buffer.concat([Buffer.from(`${folder.dir}/a/`), Buffer.from([0xff, 0xfe]), Buffer.from('.png')]), '')
  writeFileSync(join(folder.dir, 'a', 'good.png'), '')
  const { files, skipped } = await listFiles(folder.dir)
  expect(files).toEqual(['a/good.png'])
  expect(skipped).toHaveLength(1)
})
