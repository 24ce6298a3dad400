import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { convertDataset } from '../convert/convert-dataset.ts'
import { boxOfPoints } from '../geometry/box.ts'
import { rasterizeRing } from '../geometry/rle.ts'
import { encodeCounts } from '../testing/encode-counts.ts'
import { temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'
import { askPeer, hasPeer, python, square } from './python.ts'

const WHY = 'TRAINYARD_PEERS_PYTHON names no Python with pycocotools, datumaro, torchvision or ultralytics'

interface PeerObject {
  label: string
  box: number[]
  isCrowd?: number
  mask?: string
  outline?: number[]
  keypoints?: number[]
  keypointCount?: number
}
interface PeerImage {
  image: string
  split?: string
  size: number[] | null
  objects: PeerObject[]
}

/** What a loader reads. Undefined when it is not installed. */
const readWith = (peer: string, path: string, extra = '') =>
  askPeer<PeerImage[]>('./read_with_peers.py', peer, path, extra)

/** A frame of 20 × 12 pixels with a hole. */
const frame = (() => {
  const counts: number[] = []
  let run = 0
  let last = 0
  for (let x = 0; x < 120; x++) {
    for (let y = 0; y < 80; y++) {
      const isFrame = x >= 40 && x < 60 && y >= 10 && y < 22
      const isHole = x >= 45 && x < 55 && y >= 14 && y < 18
      const value = isFrame && !isHole ? 1 : 0
      if (value !== last) {
        counts.push(run)
        run = 0
        last = value
      }
      run++
    }
  }
  return [...counts, run]
})()
const images = [
  { id: 11, file_name: 'wide.png', width: 120, height: 80 },
  { id: 5, file_name: 'high.png', width: 64, height: 96 },
  { id: 9, file_name: 'empty.png', width: 33, height: 44 },
]
const annotations = [
  {
    id: 1,
    image_id: 11,
    category_id: 7,
    bbox: [10.25, 20.5, 30.125, 15.75],
    area: 200,
    iscrowd: 0,
    segmentation: [[10.25, 20.5, 40.375, 20.5, 25, 36.25]],
  },
  {
    id: 2,
    image_id: 11,
    category_id: 3,
    bbox: [70, 30, 40, 20],
    area: 500,
    iscrowd: 0,
    segmentation: [square(70, 30, 10), square(90, 30, 20)],
  },
  {
    id: 3,
    image_id: 11,
    category_id: 3,
    bbox: [40, 10, 20, 12],
    area: 200,
    iscrowd: 0,
    segmentation: { size: [80, 120], counts: frame },
  },
  {
    id: 4,
    image_id: 5,
    category_id: 7,
    bbox: [0, 0, 64, 96],
    area: 6144,
    iscrowd: 0,
    segmentation: [[0, 0, 64, 0, 64, 96, 0, 96]],
  },
]
const categories = [
  { id: 3, name: 'no' },
  { id: 7, name: 'cat' },
]
const people = [
  {
    id: 1,
    image_id: 11,
    category_id: 1,
    bbox: [10, 10, 60, 60],
    area: 3600,
    iscrowd: 0,
    num_keypoints: 2,
    keypoints: [0, 0, 0, 20.5, 30.25, 1, 60, 70, 2],
  },
  {
    id: 2,
    image_id: 5,
    category_id: 1,
    bbox: [1, 2, 30, 40],
    area: 1200,
    iscrowd: 0,
    num_keypoints: 3,
    keypoints: [5, 6, 2, 7, 8, 2, 9, 10, 2],
  },
]
const labelOf = (id: number) => categories.find((category) => category.id === id)?.name

describe.skipIf(python === undefined)(python === undefined ? `peers (skipped: ${WHY})` : 'peers', () => {
  const dir = temporaryFolder()
  afterAll(() => dir[Symbol.dispose]())
  const at = (...parts: string[]) => join(dir.path, ...parts)

  beforeAll(() => {
    const pixels = Object.fromEntries(
      images.map((image) => [image.file_name, [image.width, image.height] as [number, number]]),
    )
    const named = (prefix: string) =>
      Object.fromEntries(Object.entries(pixels).map(([name, size]) => [`${prefix}${name}`, size]))
    const keypointCategories = [
      { id: 1, name: 'person', keypoints: ['nose', 'left_eye', 'right_eye'], skeleton: [[1, 2]] },
    ]
    writeTree(dir.path, {
      ...named('source/train/'),
      'source/annotations/instances_train.json': JSON.stringify({ images, annotations, categories }),
      ...named('people/train/'),
      'people/annotations/person_keypoints_train.json': JSON.stringify({
        images,
        annotations: people,
        categories: keypointCategories,
      }),
    })
  })

  async function convert(source: string, to: TargetFormat, name: string, task?: TaskType): Promise<string> {
    await convertDataset({ source: at(source), target: at(name), to, task })
    return at(name)
  }

  function findJson(folder: string): string {
    const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find(
      (name) => name.endsWith('.json') && !name.includes('.trainyard'),
    )
    return join(folder, found ?? 'no JSON file')
  }

  const byName = (list: PeerImage[] | undefined) =>
    new Map((list ?? []).map((image) => [image.image.replace(/^.*\//, '').replace(/\.png$/, ''), image]))

  function expectBoxes(
    seen: PeerImage[] | undefined,
    tolerance: number,
    expected: readonly { image_id: number; category_id: number; bbox: number[] }[] = annotations,
  ): void {
    const found = byName(seen)
    expect([...found.keys()].sort()).toEqual(['empty', 'high', 'wide'])
    for (const { id, file_name } of images) {
      const objects = found.get(file_name.replace('.png', ''))?.objects ?? []
      const own = expected.filter(({ image_id }) => image_id === id)
      expect(objects).toHaveLength(own.length)
      for (const { bbox, category_id } of own) {
        const isSame = ({ box, label }: PeerObject) =>
          (expected !== annotations || label === labelOf(category_id)) &&
          box.every((value, index) => Math.abs(value - (bbox[index] ?? 0)) <= tolerance)
        expect(objects.filter(isSame), `box ${bbox} of ${file_name} among ${JSON.stringify(objects)}`).toHaveLength(1)
      }
    }
  }

  describe.skipIf(!hasPeer('pycocotools'))('pycocotools', () => {
    it('sees the same boxes, masks and classes in COCO after a conversion to DICE and back', async () => {
      await convert('source', 'dice', 'pc-dice')
      const target = await convert('pc-dice', 'coco', 'pc-coco')
      const before = byName(readWith('pycocotools', at('source/annotations/instances_train.json')))
      const after = byName(readWith('pycocotools', findJson(target)))
      expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
      for (const [name, image] of before) {
        expect(after.get(name)?.size).toEqual(image.size)
        expect(after.get(name)?.objects).toEqual(image.objects)
      }
    })

    it('sees the same keypoints', async () => {
      const target = await convert('people', 'coco', 'pc-people')
      const before = byName(readWith('pycocotools', at('people/annotations/person_keypoints_train.json')))
      const after = byName(readWith('pycocotools', findJson(target)))
      for (const [name, image] of before) expect(after.get(name)?.objects).toEqual(image.objects)
    })
  })

  describe.skipIf(!hasPeer('torchvision'))('torchvision', () => {
    it('sees the same boxes in COCO', async () => {
      const target = await convert('source', 'coco', 'tv-coco')
      expectBoxes(readWith('torchvision', findJson(target), target), 1e-6)
    })
  })

  describe.skipIf(!hasPeer('datumaro'))('Datumaro', () => {
    it('sees the same boxes in YOLO', async () => {
      // It rounds to two digits.
      expectBoxes(readWith('datumaro-yolo', await convert('source', 'yolo', 'dm-yolo', 'detection')), 0.01)
    })

    it('sees the same boxes in Pascal VOC', async () => {
      const target = await convert('source', 'voc', 'dm-voc', 'detection')
      // Without a list it uses the twenty classes of VOC 2012.
      writeFileSync(join(target, 'labelmap.txt'), categories.map(({ name }) => `${name}:::\n`).join(''))
      expectBoxes(readWith('datumaro-voc', target), 0.01)
    })
  })

  describe.skipIf(!hasPeer('ultralytics'))('Ultralytics', () => {
    it('loads the same boxes', async () => {
      expectBoxes(readWith('ultralytics', await convert('source', 'yolo', 'ul-detect', 'detection'), 'detect'), 1e-3)
    })

    it('loads outlines that cover the same pixels', async () => {
      const seen = readWith('ultralytics', await convert('source', 'yolo', 'ul-segment', 'segmentation'), 'segment')
      expectBoxes(seen, 1e-3)
      const before = byName(readWith('pycocotools', at('source/annotations/instances_train.json')))
      for (const [name, image] of byName(seen)) {
        const [width = 0, height = 0] = image.size ?? []
        const masks = image.objects.map(({ outline = [] }) => {
          // Six digits after the point are enough to find the corners of the pixels again.
          const ring = outline.map((value) => Math.round(value * 1000) / 1000)
          return encodeCounts(rasterizeRing(ring, width, height).counts)
        })
        expect(masks.sort()).toEqual((before.get(name)?.objects ?? []).map(({ mask }) => mask ?? '').sort())
      }
    })

    it('loads the same keypoints', async () => {
      const seen = readWith('ultralytics', await convert('people', 'yolo', 'ul-pose', 'pose'), 'pose')
      expectBoxes(seen, 1e-3, people)
      for (const { image_id, keypoints } of people) {
        const name = images.find(({ id }) => id === image_id)?.file_name.replace('.png', '') ?? ''
        const points = byName(seen).get(name)?.objects[0]?.keypoints ?? []
        for (const [index, value] of keypoints.entries()) expect(points[index]).toBeCloseTo(value, 2)
      }
    })

    it('loads rotated boxes around the same outlines', async () => {
      const seen = readWith('ultralytics', await convert('source', 'yolo', 'ul-obb', 'obb'), 'obb')
      expect(byName(seen).get('wide')?.objects).toHaveLength(3)
      for (const { outline = [], box } of byName(seen).get('wide')?.objects ?? []) {
        expect(outline.length).toBeGreaterThanOrEqual(8)
        for (const [index, value] of (boxOfPoints(outline) ?? []).entries()) expect(box[index]).toBeCloseTo(value, 2)
      }
    })
  })
})
