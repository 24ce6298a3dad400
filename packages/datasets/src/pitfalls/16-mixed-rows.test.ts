import { expect, it } from 'vitest'
import { readAll, temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 16: a box among outlines is written as an outline of four corners, never as another kind of row', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(dir.path, 'segmentation', [
    {
      annotations: [
        { kind: 'polygon', classId: 0, polygons: [[10, 10, 30, 10, 30, 30]] },
        { kind: 'box', classId: 1, bbox: [50, 10, 20, 20] },
        { kind: 'polygon', classId: 1, bbox: [0, 0, 10, 10], polygons: [] },
      ],
    },
  ])
  const rows = text('labels/train/0.txt').trim().split('\n')
  expect(rows.map((row) => row.split(' ').length)).toEqual([7, 9, 9])
  expect(rows[1]).toBe('1 0.5 0.2 0.7 0.2 0.7 0.6 0.5 0.6')
  expect(lost('polygon-from-box')).toBe(2)
})

it('pitfall 16: a box among outlines is read as a box and counted', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'classes.txt': 'cat\n',
    'images/1.png': [100, 50],
    'labels/1.txt': '0 0.5 0.5 0.2 0.4\n0 0.1 0.2 0.3 0.2 0.3 0.6\n',
  })
  const { reader, records } = await readAll(dir.path)
  expect(reader.taskType).toBe('segmentation')
  expect(records[0]?.annotations[0]).toEqual({ kind: 'box', classId: 0, bbox: [40, 15, 20, 20] })
  expect(records[0]?.annotations[1]?.kind).toBe('polygon')
  expect(reader.losses?.count('label-rows-mixed')).toBe(1)
})
