import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readImageFolder } from '../formats/imagefolder/read.ts'
import { createImageFolderWriter } from '../formats/imagefolder/write.ts'
import { readLabelme } from '../formats/labelme/read.ts'
import { createLabelmeWriter } from '../formats/labelme/write.ts'
import { readVoc } from '../formats/voc/read.ts'
import { createVocWriter } from '../formats/voc/write.ts'
import {
  classesNamed,
  countLosses,
  imageRecord,
  plainPng,
  readAll,
  temporaryFolder,
  writeContext,
  writeRecords,
} from '../testing/dataset-formats.ts'

const names = ['line\nbreak', 'tab\tbed', 'a/b', 'a\\b', 'a_b', ' spaced ', '', '#hash', '<b>&amp;']

it.each([
  ['Pascal VOC', createVocWriter, readVoc, 'classes.txt'],
  ['LabelMe', createLabelmeWriter, readLabelme, 'labels.txt'],
] as const)(
  'pitfall 33: class names with newlines and tabs break neither the list nor the files of %s',
  async (_format, create, read, list) => {
    using folder = temporaryFolder()
    const classes = classesNamed(...names)
    const annotations = classes.map(({ id }) => ({
      kind: 'box' as const,
      classId: id,
      bbox: [id, 0, 5, 5] as [number, number, number, number],
    }))
    const context = writeContext(folder.dir, { taskType: 'detection', classes })
    const losses = await writeRecords(create, context, [imageRecord('1.png', { annotations })])
    expect(readFileSync(join(folder.dir, list), 'utf8').split('\n')).toHaveLength(names.length + 1)
    const reader = await read(folder.dir, {})
    expect(reader.classes.map(({ name }) => name)).toEqual([
      'line_break',
      'tab_bed',
      'a/b',
      'a\\b',
      'a_b',
      'spaced',
      'class_6',
      '_hash',
      '<b>&amp;',
    ])
    const { records } = await readAll(reader)
    expect(records[0]?.annotations.map(({ classId }) => classId)).toEqual(classes.map(({ id }) => id))
    expect(countLosses(losses)).toEqual({ 'class-renamed': 5 })
  },
)

it('pitfall 33: class names with slashes become one folder each, all inside of the result', async () => {
  using folder = temporaryFolder({ 'in.png': plainPng(2, 2) })
  const target = join(folder.dir, 'out')
  const classes = classesNamed(...names, '../../up', '..')
  const context = writeContext(target, { taskType: 'classification', classes }, { images: 'copy' })
  const records = classes.map(({ id }) =>
    imageRecord(`${id}.png`, { file: join(folder.dir, 'in.png'), annotations: [{ kind: 'class', classId: id }] }),
  )
  await writeRecords(createImageFolderWriter, context, records)
  expect(readdirSync(folder.dir).sort()).toEqual(['in.png', 'out'])
  const reader = await readImageFolder(target)
  expect(reader.classes).toHaveLength(classes.length)
  expect((await readAll(reader)).records).toHaveLength(classes.length)
})
