import { expect, it } from 'vitest'
import { readAll, temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 42: identical rows are written once, because the loader drops them, and counted', async () => {
  using dir = temporaryFolder()
  const bbox: [number, number, number, number] = [10, 10, 20, 20]
  const { text, lost, report } = await writeYolo(dir.path, 'detection', [
    {
      annotations: [
        { kind: 'box', classId: 0, bbox },
        { kind: 'box', classId: 1, bbox },
        { kind: 'box', classId: 0, bbox: [10, 10, 20, 20.0000001] },
      ],
    },
    { annotations: [{ kind: 'box', classId: 0, bbox }] },
  ])
  expect(text('labels/train/0.txt')).toBe('0 0.2 0.4 0.2 0.4\n1 0.2 0.4 0.2 0.4\n')
  expect(text('labels/train/1.txt')).toBe('0 0.2 0.4 0.2 0.4\n')
  expect(lost('annotation-duplicate')).toBe(1)
  expect(report.build({ from: 'dice', to: 'yolo', taskType: 'detection', target: '' }, []).annotations).toBe(3)
})

it('pitfall 42: identical rows are read once and counted', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'classes.txt': 'cat\n',
    'images/1.png': [100, 50],
    'labels/1.txt': '0 0.5 0.5 0.2 0.2\n0 0.50 0.5 0.2 2e-1\n0 0.5 0.5 0.2 0.3\n',
  })
  const { reader, records } = await readAll(dir.path)
  expect(records[0]?.annotations).toHaveLength(2)
  expect(reader.losses?.count('annotation-duplicate')).toBe(1)
})
