import { expect, it } from 'vitest'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

it('pitfall 08: boxes and outlines are clipped to the image before they are normalised, and dropped when nothing is left', async () => {
  using dir = temporaryFolder()
  const boxes = await writeYolo(dir.path, 'detection', [
    {
      annotations: [
        { kind: 'box', classId: 0, bbox: [-20, -10, 40, 30] },
        { kind: 'box', classId: 1, bbox: [90, 40, 30, 30] },
        { kind: 'box', classId: 1, bbox: [100, 10, 5, 5] },
        { kind: 'box', classId: 1, bbox: [99.9999, 10, 5, 1] },
      ],
    },
  ])
  // 20 × 20 pixels in the corner of 100 × 50, not the whole box moved inside.
  expect(boxes.text('labels/train/0.txt')).toBe('0 0.1 0.2 0.2 0.4\n1 0.95 0.9 0.1 0.2\n')
  expect(boxes.lost('box-clipped')).toBe(2)
  expect(boxes.lost('annotation-outside-image')).toBe(1)
  expect(boxes.lost('annotation-too-small')).toBe(1)
})

it('pitfall 08: an outline is cut where it crosses the border, not clamped point by point', async () => {
  using dir = temporaryFolder()
  // A triangle whose tip is far beyond the right border. Clamping the tip would change the slope of its sides.
  const triangle = [50, 0, 150, 25, 50, 50]
  const { text, lost } = await writeYolo(dir.path, 'segmentation', [
    { annotations: [{ kind: 'polygon', classId: 0, polygons: [triangle] }] },
  ])
  expect(text('labels/train/0.txt')).toBe('0 0.5 0 1 0.25 1 0.75 0.5 1\n')
  expect(lost('polygon-clipped')).toBe(1)
})
