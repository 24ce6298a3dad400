import { describe, expect, it } from 'vitest'
import { coco, convert, createFiles, image, SQUARE } from '../testing/coco-dataset.ts'
import { createPng } from '../testing/test-dataset.ts'
import { detectFormat } from './detect-format.ts'

const bbox = [10, 10, 20, 20]
const png = createPng(100, 50)

describe('the format of a dataset', () => {
  it.each(['coco', 'dice', 'yolo', 'voc', 'labelme'] as const)('is %s for a dataset written as such', async (to) => {
    const images = [image(1, { file_name: 'photos/1.png' })]
    const source = createFiles({
      'instances_train.json': coco([{ bbox, segmentation: SQUARE }], { images }),
      'photos/1.png': png,
    })
    const { dir } = await convert(source, to, { images: 'copy' })
    const { format, evidence } = await detectFormat(dir)
    expect(format).toBe(to)
    expect(evidence.join()).not.toBe('')
  })

  it('is imagefolder for images in folders and no labels', async () => {
    const dir = createFiles({ 'train/cat/1.png': png, 'train/dog/2.png': png })
    expect((await detectFormat(dir)).format).toBe('imagefolder')
  })

  it('is DICE for its flat variant too, and COCO when all members are those of COCO', async () => {
    const flat = { ...coco([{ class_id: 0, bbox }]), task_type: 'object_detection' }
    expect((await detectFormat(createFiles({ 'annotations.json': flat }))).format).toBe('dice')
    expect((await detectFormat(createFiles({ 'annotations.json': coco([{ bbox }]) }))).format).toBe('coco')
  })

  it('is not guessed when it looks like two', async () => {
    const dir = createFiles({
      'instances_train.json': coco([{ bbox }]),
      'Annotations/1.xml': '<annotation><filename>1.jpg</filename></annotation>',
    })
    await expect(detectFormat(dir)).rejects.toThrow(
      /looks like coco \(instances_train\.json has .*\) and voc \(Annotations\/1\.xml .*\); specify the format/,
    )
  })

  it.each([
    ['of nothing', {}],
    ['of other things', { 'README.md': 'x', 'package.json': { name: 'x' }, 'a.png': png }],
  ])('is unknown for a folder %s', async (_what, files) => {
    await expect(detectFormat(createFiles(files))).rejects.toThrow('is unknown')
  })
})
