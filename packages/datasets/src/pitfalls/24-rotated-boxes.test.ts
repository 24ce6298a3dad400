import { join } from 'node:path'
import { expect, it } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { readCoco } from '../formats/coco/read.ts'
import { readVoc } from '../formats/voc/read.ts'
import { plainPng, readAll, temporaryFolder } from '../testing/dataset-formats.ts'

// A square on its corner: 40 pixels wide and high around 50, 40 in 100 × 80.
const files = {
  'data.yaml': 'train: images/train\nval: images/train\nnames: [ship]\n',
  'images/train/1.png': plainPng(100, 80),
  'labels/train/1.txt': '0 0.5 0.25 0.7 0.5 0.5 0.75 0.3 0.5\n',
}

it('pitfall 24: a rotated box becomes the upright box around it in Pascal VOC, and the rotation is reported as lost', async () => {
  using folder = temporaryFolder()
  using source = temporaryFolder(files)
  const target = join(folder.dir, 'voc')
  const report = await convertDataset({ source: source.dir, target, to: 'voc', task: 'obb' })
  expect(report.losses).toContainEqual({
    reason: 'rotation-dropped',
    count: 1,
    examples: [expect.stringContaining('1.png')],
  })
  const { records } = await readAll(await readVoc(target))
  expect(records[0]?.annotations).toMatchObject([{ kind: 'box', bbox: [30, 20, 40, 40] }])
})

it('pitfall 24: a rotated box becomes the upright box for detection in COCO and LabelMe too', async () => {
  using folder = temporaryFolder()
  using source = temporaryFolder(files)
  for (const to of ['coco', 'labelme'] as const) {
    const target = join(folder.dir, to)
    const report = await convertDataset({ source: source.dir, from: 'yolo', target, to, task: 'obb' })
    expect(report.annotations).toBe(1)
    if (to === 'labelme') continue
    const { records } = await readAll(await readCoco(target))
    const [annotation] = records[0]?.annotations ?? []
    for (const [index, value] of [30, 20, 40, 40].entries()) expect(annotation?.bbox?.[index]).toBeCloseTo(value, 4)
    const keepsCorners = annotation?.obb !== undefined || annotation?.polygons !== undefined
    expect(keepsCorners || report.losses.some(({ reason }) => reason === 'rotation-dropped')).toBe(true)
  }
})
