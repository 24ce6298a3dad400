import { expect, it } from 'vitest'
import type { Annotation } from '../record/record.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it.each<['detection' | 'segmentation' | 'pose' | 'obb', Annotation, string]>([
  ['detection', { kind: 'box', classId: 0, bbox: [100, 20, 200, 10] }, '0 0.2 0.25 0.2 0.1\n'],
  [
    'segmentation',
    { kind: 'polygon', classId: 0, polygons: [[100, 20, 300, 20, 300, 30]] },
    '0 0.1 0.2 0.3 0.2 0.3 0.3\n',
  ],
  [
    'pose',
    { kind: 'keypoints', classId: 0, bbox: [100, 20, 200, 10], keypoints: [500, 50, 2] },
    '0 0.2 0.25 0.2 0.1 0.5 0.5 2\n',
  ],
  [
    'obb',
    { kind: 'obb', classId: 0, obb: [100, 20, 300, 20, 300, 30, 100, 30] },
    '0 0.1 0.2 0.3 0.2 0.3 0.3 0.1 0.3\n',
  ],
])(
  'pitfall 12: %s in an image ten times as wide as high has x relative to the width and y to the height, written and read',
  async (task, annotation, row) => {
    using dir = temporaryFolder()
    const written = await writeYolo(dir.path, task, [{ width: 1000, height: 100, annotations: [annotation] }])
    expect(written.text('labels/train/0.txt')).toBe(row)
    const { records } = await written.read()
    for (const key of ['bbox', 'polygons', 'keypoints', 'obb'] as const) {
      const expected = [annotation[key] ?? []].flat(2)
      const actual = [records[0]?.annotations[0]?.[key] ?? []].flat(2)
      for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 3)
    }
  },
)
