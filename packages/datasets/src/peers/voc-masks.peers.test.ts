import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'
import { askPeer, hasPeer, python, square } from './python.ts'

const WHY = 'TRAINYARD_PEERS_PYTHON names no Python with pycocotools, Pillow, torchvision or datumaro'

type Masks = Record<string, [label: string, pixels: string][]>

function readWith(peer: string, path: string): Masks {
  const masks = askPeer<Masks>('./read_voc_masks.py', peer, path)
  if (masks === undefined) throw new Error(`${peer} is not installed`)
  return masks
}

/** Column by column: 5 columns of 12 pixels, 10 with a hole of 4 in their middle, 5 of 12 again. */
const frame = [40 * 80 + 10]
for (let x = 0; x < 20; x++) frame.push(...(x >= 5 && x < 15 ? [4, 4, 4, 68] : [12, 68]))
// The rest is not part of it either.
frame[frame.length - 1] = 120 * 80 - frame.slice(0, -1).reduce((sum, run) => sum + run, 0)

const images = [
  { id: 1, file_name: 'wide.png', width: 120, height: 80 },
  { id: 2, file_name: 'high.png', width: 64, height: 96 },
]
/** The objects do not overlap, because the masks could not hold that. */
const annotations = [
  // Not on whole pixels.
  {
    category_id: 7,
    image_id: 1,
    bbox: [4.25, 40.5, 30.125, 15.75],
    segmentation: [[4.25, 40.5, 34.375, 40.5, 19, 56.25]],
  },
  // Two parts.
  { category_id: 3, image_id: 1, bbox: [70, 30, 40, 20], segmentation: [square(70, 30, 10), square(90, 30, 20)] },
  // A hole.
  { category_id: 3, image_id: 1, bbox: [40, 10, 20, 12], segmentation: { size: [80, 120], counts: frame } },
  { category_id: 7, image_id: 2, bbox: [0, 0, 64, 96], segmentation: [[0, 0, 64, 0, 64, 96, 0, 96]] },
].map((annotation, index) => ({ id: index + 1, area: 100, iscrowd: 0, ...annotation }))
const categories = [
  { id: 3, name: 'no' },
  { id: 7, name: 'cat' },
]

describe.skipIf(!hasPeer('pycocotools'))(
  python === undefined ? `masks of Pascal VOC (skipped: ${WHY})` : 'masks of Pascal VOC',
  () => {
    const dir = temporaryFolder()
    afterAll(() => dir[Symbol.dispose]())
    const voc = join(dir.path, 'voc')
    let expected: Masks

    beforeAll(async () => {
      const coco = 'source/annotations/instances_train.json'
      writeTree(dir.path, {
        'source/train/wide.png': [120, 80],
        'source/train/high.png': [64, 96],
        [coco]: JSON.stringify({ images, annotations, categories }),
      })
      expected = readWith('pycocotools', join(dir.path, coco))
      await convertDataset({ source: join(dir.path, 'source'), target: voc, to: 'voc', task: 'segmentation' })
    })

    it.skipIf(!hasPeer('PIL'))(
      'have, by the rules of the devkit, the pixels that pycocotools sees in the source',
      () => {
        expect(Object.values(expected).flat()).toHaveLength(4)
        expect(readWith('pillow', voc)).toEqual(expected)
      },
    )

    it.skipIf(!hasPeer('torchvision'))('are read by torchvision, class by class', () => {
      const seen = readWith('torchvision', voc)
      expect(Object.keys(seen).sort()).toEqual(['high', 'wide'])
      expect(seen.high).toEqual(expected.high)
      expect(seen.wide?.map(([label]) => label)).toEqual(['cat', 'no'])
      expect(seen.wide?.[0]).toEqual(expected.wide?.find(([label]) => label === 'cat'))
    })

    it.skipIf(!hasPeer('datumaro'))('are read by Datumaro, object by object', () => {
      expect(readWith('datumaro', voc)).toEqual(expected)
    })
  },
)
