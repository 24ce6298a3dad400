import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { coco, convert, createDir, createFiles, image, SQUARE } from '../../testing/coco-dataset.ts'
import { MARKER_NAME } from '../conversion-marker.ts'
import { convertDataset } from '../convert-dataset.ts'

const COUNT = 2500
const bbox = [10, 10, 20, 20]

function largeDataset(nameOf: (index: number) => string): string {
  const images = Array.from({ length: COUNT }, (_, index) => image(index, { file_name: nameOf(index) }))
  // Not in the order of the images, some clipped, some without a class, some crowds.
  const annotations = Array.from({ length: COUNT * 3 }, (_, index) => ({
    image_id: (index * 7919) % COUNT,
    category_id: index % 50 === 0 ? 99 : 1 + (index % 2),
    bbox: [index % 95, 10, 20, 20],
    iscrowd: index % 40 === 0 ? 1 : 0,
    segmentation: SQUARE,
  }))
  return createFiles({ 'annotations/instances_test.json': coco(annotations, { images }) })
}

/** Forces a conversion in one thread, because every class has objects. */
const oneByOne = { dropUnusedClasses: true }
const splits = new Map(
  Array.from({ length: COUNT }, (_, index) => [`${index}.jpg`, index % 5 === 0 ? 'val' : 'train'] as const).filter(
    (_, index) => index % 7 !== 0,
  ),
)

describe('a conversion with worker threads', () => {
  it.each([{ task: 'detection' as const }, { task: 'segmentation' as const }, { task: 'detection' as const, splits }])(
    'gives the same files and report as one thread: $task',
    async (options) => {
      const source = largeDataset((index) => `${index}.jpg`)
      const [parallel, serial] = [
        await convert(source, 'yolo', options),
        await convert(source, 'yolo', { ...options, ...oneByOne }),
      ]
      const { [MARKER_NAME]: _, ...files } = parallel.files()
      const { [MARKER_NAME]: __, ...expected } = serial.files()
      expect(files).toEqual(expected)
      expect({ ...parallel.report, target: '' }).toEqual({ ...serial.report, target: '' })
      expect(parallel.report.splits.test.images).toBe(COUNT - ('splits' in options ? splits.size : 0))
      expect(parallel.text('data.yaml')).toContain('test: ')
    },
  )

  it('is not used for names that need a suffix', async () => {
    const source = largeDataset((index) =>
      index % 1250 === 7 ? `Same.${index < 1250 ? 'jpg' : 'png'}` : `${index}.jpg`,
    )
    const { files, report } = await convert(source, 'yolo')
    expect(report.images).toBe(COUNT)
    expect(Object.keys(files()).filter((path) => path.startsWith('labels/test/Same'))).toHaveLength(2)
  })

  it('counts mistakes in the data as one thread does', async () => {
    const images = Array.from({ length: COUNT }, (_, index) => image(index))
    const text = JSON.stringify(coco([{ image_id: 2400, bbox }], { images })).replace(
      '"file_name":"2400.jpg"',
      '"of":1',
    )
    const dir = createDir()
    mkdirSync(join(dir, 'source'))
    writeFileSync(join(dir, 'source/instances_train.json'), text)
    const options = { source: join(dir, 'source'), target: join(dir, 'out'), to: 'yolo', from: 'coco' } as const
    const report = await convertDataset({ ...options, images: 'none' })
    expect(report.images).toBe(COUNT - 1)
    expect(report.losses).toContainEqual({
      reason: 'image-invalid',
      count: 1,
      examples: ['images[2400] in instances_train.json has no "file_name"; expected the path of the image'],
    })
  })

  it('stops on request', async () => {
    const controller = new AbortController()
    const source = largeDataset((index) => `${index}.jpg`)
    const onProgress = () => controller.abort(new Error('enough'))
    await expect(convert(source, 'yolo', { signal: controller.signal, onProgress })).rejects.toThrow('enough')
  })
})
