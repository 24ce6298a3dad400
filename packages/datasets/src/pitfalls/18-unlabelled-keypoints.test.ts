import { expect, it } from 'vitest'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'

const classes = [{ id: 0, name: 'person', keypoints: ['nose', 'tail', 'paw'] }]

it('pitfall 18: an unlabelled keypoint is written as three zeros, whatever its coordinates are', async () => {
  using dir = temporaryFolder()
  const keypoints = [-37, 1e6, 0, 50, 25, 2, 20, 10, 1]
  const written = await writeYolo(
    dir.path,
    'pose',
    [{ annotations: [{ kind: 'keypoints', classId: 0, bbox: [10, 10, 50, 30], keypoints }] }],
    { classes },
  )
  expect(written.text('labels/train/0.txt')).toBe('0 0.35 0.5 0.5 0.6 0 0 0 0.5 0.5 2 0.2 0.2 1\n')
  const { records } = await written.read()
  expect(records[0]?.annotations[0]?.keypoints).toEqual([0, 0, 0, 50, 25, 2, 20, 10, 1])
})

it('pitfall 18: a labelled keypoint outside of the image becomes unlabelled and is counted; the row is kept', async () => {
  using dir = temporaryFolder()
  const keypoints = [-1, 5, 2, 50, 51, 1, 100, 50, 2]
  const { text, lost } = await writeYolo(
    dir.path,
    'pose',
    [{ annotations: [{ kind: 'keypoints', classId: 0, bbox: [10, 10, 50, 30], keypoints }] }],
    { classes },
  )
  expect(text('labels/train/0.txt')).toBe('0 0.35 0.5 0.5 0.6 0 0 0 0 0 0 1 1 2\n')
  expect(lost('keypoint-outside-image')).toBe(2)
})

it('pitfall 18: keypoints without three numbers each are dropped and counted', async () => {
  using dir = temporaryFolder()
  const { text, lost } = await writeYolo(
    dir.path,
    'pose',
    [{ annotations: [{ kind: 'keypoints', classId: 0, bbox: [10, 10, 50, 30], keypoints: [1, 2, 2, 4] }] }],
    { classes },
  )
  expect(text('labels/train/0.txt')).toBe('')
  expect(lost('annotation-invalid')).toBe(1)
})
