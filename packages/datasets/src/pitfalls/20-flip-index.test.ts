import { expect, it } from 'vitest'
import { createDataYaml } from '../formats/yolo/create-data-yaml.ts'
import { inferFlipIndex } from '../formats/yolo/flip-index.ts'
import { readAll, temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'

const coco =
  'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle'

it.each([
  [coco.split(' '), [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]],
  [
    ['nose', 'eye.L', 'eye.R'],
    [0, 2, 1],
  ],
  [
    ['Left Eye', 'Right Eye'],
    [1, 0],
  ],
  [
    ['leftEye', 'nose', 'rightEye'],
    [2, 1, 0],
  ],
  // Omitted when unsure: a wrong list costs half of the accuracy, and no list only an augmentation.
  [['nose', 'tail'], undefined],
  [['left_eye', 'nose'], undefined],
  [['left_eye', 'right_ear'], undefined],
  [['left_eye', 'left_eye', 'right_eye'], undefined],
  [['left_right', 'right_left'], undefined],
  [[], undefined],
])('pitfall 20: the mirror image of %j is %j', (names, flipIndex) => {
  expect(inferFlipIndex(names)).toEqual(flipIndex)
})

it('pitfall 20: flip_idx is written when it is its own inverse, and counted when it is missing', async () => {
  using dir = temporaryFolder()
  const record = {
    annotations: [
      {
        kind: 'keypoints' as const,
        classId: 0,
        bbox: [0, 0, 9, 9] as [number, number, number, number],
        keypoints: [1, 1, 2, 2, 2, 2],
      },
    ],
  }
  const named = await writeYolo(`${dir.path}/a`, 'pose', [record], {
    classes: [{ id: 0, name: 'p', keypoints: ['left', 'right'] }],
  })
  expect(named.text('data.yaml')).toContain('\nflip_idx: [1, 0]\n')
  const { reader } = await named.read()
  expect(reader.classes).toEqual([{ id: 0, name: 'p', keypoints: ['left', 'right'], flipIndex: [1, 0] }])
  const unnamed = await writeYolo(`${dir.path}/b`, 'pose', [record], { classes: [{ id: 0, name: 'p' }] })
  expect(unnamed.text('data.yaml')).not.toContain('flip_idx')
  expect(unnamed.lost('flip-index-omitted')).toBe(1)
  const wrong = await writeYolo(`${dir.path}/c`, 'pose', [record], {
    classes: [{ id: 0, name: 'p', flipIndex: [1, 1] }],
  })
  expect(wrong.text('data.yaml')).not.toContain('flip_idx')
  expect(() => createDataYaml({ names: ['p'], keypointShape: [3, 3], flipIndex: [1, 2, 0] })).toThrow(
    'flip_idx is [1, 2, 0]',
  )
})

it('pitfall 20: a flip_idx in a file that is not its own inverse is ignored', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'data.yaml': 'train: images\nval: images\nnames: [p]\nkpt_shape: [3, 3]\nflip_idx: [1, 2, 0]\n',
    'images/1.png': [100, 50],
  })
  const { reader } = await readAll(dir.path)
  expect(reader.taskType).toBe('pose')
  expect(reader.classes).toEqual([{ id: 0, name: 'p' }])
})
