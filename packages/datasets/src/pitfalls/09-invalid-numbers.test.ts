import { expect, it } from 'vitest'
import type { Annotation } from '../record/record.ts'
import { readAll, temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 09: boxes without sides, with negative sides, NaN or infinity are dropped and counted when written', async () => {
  using dir = temporaryFolder()
  const bad: number[][] = [
    [1, 1, 0, 5],
    [1, 1, 5, 0],
    [1, 1, -5, 5],
    [Number.NaN, 1, 5, 5],
    [1, Number.POSITIVE_INFINITY, 5, 5],
    [1, 1, Number.POSITIVE_INFINITY, 5],
  ]
  const annotations = [...bad, [10, 10, 10, 10]].map((bbox) => ({ kind: 'box', classId: 0, bbox }) as Annotation)
  const { text, lost } = await writeYolo(dir.path, 'detection', [{ annotations }])
  expect(text('labels/train/0.txt')).toBe('0 0.15 0.3 0.1 0.2\n')
  expect(lost('annotation-invalid')).toBe(bad.length)
})

it('pitfall 09: rows that the loader drops are dropped and counted when read, and the others are kept', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'classes.txt': 'cat\n',
    'images/1.png': [100, 50],
    'labels/1.txt': '0 0.5 0.5 0 0.5\n0 nan 0.5 0.1 0.1\n0 0.5 0.5 0.2 0.2\n\n',
  })
  const { reader, records } = await readAll(dir.path)
  expect(records[0]?.annotations).toEqual([{ kind: 'box', classId: 0, bbox: [40, 20, 20, 10] }])
  expect(reader.losses?.count('annotation-invalid')).toBe(2)
  expect(reader.losses?.list()[0]?.examples[0]).toBe('labels/1.txt:1: 0 0.5 0.5 0 0.5')
})

it.each([
  ['an unknown class', '1 0.5 0.5 0.1 0.1', 'class 1; expected 0 to 0'],
  ['a negative class', '-1 0.5 0.5 0.1 0.1', 'class -1; expected 0 to 0'],
  ['a coordinate above 1.01', '0 1.02 0.5 0.1 0.1', 'coordinate 1.02'],
  ['a coordinate below -0.01', '0 -0.02 0.5 0.1 0.1', 'coordinate -0.02'],
  ['too few columns', '0 0.5 0.5 0.1', '4 columns; expected 5'],
  ['a confidence', '0 0.5 0.5 0.1 0.1 0.9', '6 columns; expected 5'],
  ['text', '0 0.5 0,5 0.1 0.1', '"0,5" is not a number'],
])(
  'pitfall 09: an image that the loader skips because of %s is skipped, and the row is reported',
  async (_what, row, why) => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'classes.txt': 'cat\n',
      'images/1.png': [100, 50],
      'images/2.png': [100, 50],
      'labels/1.txt': `0 0.5 0.5 0.1 0.1\n${row}\n`,
      'labels/2.txt': '0 1.005 0.5 0.1 0.1\n',
    })
    const { reader, records } = await readAll(dir.path)
    expect(records.map(({ path }) => path)).toEqual(['images/2.png'])
    const [loss] = reader.losses?.list() ?? []
    expect(loss?.reason).toBe('label-file-invalid')
    expect(loss?.examples[0]).toContain(`labels/1.txt:2: ${why}`)
  },
)
