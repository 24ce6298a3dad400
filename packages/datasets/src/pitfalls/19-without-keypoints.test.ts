import { expect, it } from 'vitest'
import type { Annotation } from '../record/record.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

const boxOnly: Annotation = { kind: 'box', classId: 0, bbox: [0, 0, 50, 50] }
const posed: Annotation = { kind: 'keypoints', classId: 1, bbox: [50, 0, 50, 50], keypoints: [60, 10, 2, 70, 20, 1] }

it('pitfall 19: an object without keypoints gets zeros, so that no row gets the keypoints of another object', async () => {
  using dir = temporaryFolder()
  // The first image has no keypoints, so their number is only known later.
  const { text, lost } = await writeYolo(dir.path, 'pose', [
    { annotations: [boxOnly] },
    { annotations: [boxOnly, posed, { ...boxOnly, bbox: [10, 10, 20, 20] }] },
  ])
  expect(text('labels/train/0.txt')).toBe('0 0.25 0.5 0.5 1 0 0 0 0 0 0\n')
  expect(text('labels/train/1.txt')).toBe(
    '0 0.25 0.5 0.5 1 0 0 0 0 0 0\n1 0.75 0.5 0.5 1 0.6 0.2 2 0.7 0.4 1\n0 0.2 0.4 0.2 0.4 0 0 0 0 0 0\n',
  )
  expect(lost('keypoints-padded')).toBe(3)
  expect(text('data.yaml')).toContain('kpt_shape: [2, 3]')
})

it('pitfall 19: an object with too many keypoints is an error that names the image', async () => {
  using dir = temporaryFolder()
  const more: Annotation = { ...posed, keypoints: [1, 1, 2, 2, 2, 2, 3, 3, 2] }
  await expect(writeYolo(dir.path, 'pose', [{ annotations: [posed] }, { annotations: [more] }])).rejects.toThrow(
    'Image "1.png" has an object with 3 keypoints; expected at most 2',
  )
})
