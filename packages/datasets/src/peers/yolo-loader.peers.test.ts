import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Annotation } from '../record/record.ts'
import { cornersOfRotatedBox } from '../testing/rotated-box.ts'
import { readAll, type TestRecord, temporaryFolder, writeTree, writeYolo } from '../testing/yolo-dataset.ts'
import { askPeer, hasPeer } from './python.ts'

const isInstalled = hasPeer('ultralytics')
const skipped = isInstalled ? '' : ' (skipped: set TRAINYARD_PEERS_PYTHON to a Python with ultralytics)'

interface Seen {
  image: string
  objects: { label: string; box: number[] }[]
}

function load(dir: string, task: string): Seen[] {
  const seen = askPeer<Seen[]>('./read_with_peers.py', 'ultralytics', dir, task)
  if (seen === undefined) throw new Error('ultralytics is not installed')
  return seen
}

/** Label files that the loader and our reader must judge in the same way. */
const DETECT: Record<string, string> = {
  good: '0 0.5 0.5 0.2 0.2\n1 0.25 0.25 0.1 0.1\n',
  empty: '',
  blank: '\n \n\n',
  windows: '0 0.5 0.5 0.2 0.2\r\n',
  tabs: '0\t0.5\t0.5\t0.2\t0.2',
  exponents: '0 5e-1 .5 2e-1 +0.2\n',
  'class-as-float': '1.0 0.5 0.5 0.2 0.2\n',
  'class-too-high': '0 0.5 0.5 0.2 0.2\n2 0.5 0.5 0.2 0.2\n',
  'class-negative': '-1 0.5 0.5 0.2 0.2\n',
  'a-little-beyond': '0 1.005 0.5 0.2 0.2\n',
  beyond: '0 1.02 0.5 0.2 0.2\n',
  'a-little-below': '0 -0.005 0.5 0.2 0.2\n',
  below: '0 -0.02 0.5 0.2 0.2\n',
  'four-columns': '0 0.5 0.5 0.2\n',
  'six-columns': '0 0.5 0.5 0.2 0.2 0.9\n',
  text: 'cat 0.5 0.5 0.2 0.2\n',
  comma: '0 0,5 0.5 0.2 0.2\n',
  duplicates: '0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n0 0.50 0.5 0.2 0.2\n',
}
const SEGMENT: Record<string, string> = {
  good: '0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n',
  // Without boxes among outlines: versions of the loader differ, and our reader reads them as boxes.
  'odd-columns': '0 0.1 0.1 0.5 0.1 0.5 0.5 0.7\n',
  beyond: '0 0.1 0.1 1.2 0.1 0.5 0.5\n',
  'a-little-beyond': '0 0.1 0.1 1.005 0.1 0.5 0.5\n',
  below: '0 0.1 -0.1 0.9 0.1 0.5 0.5\n',
  line: '0 0.1 0.1 0.5 0.5 0.9 0.9\n',
  duplicates: '0 0.1 0.1 0.5 0.1 0.5 0.5\n0 0.1 0.1 0.5 0.1 0.5 0.5\n',
  'same-box': '0 0.1 0.1 0.5 0.1 0.5 0.5\n0 0.1 0.1 0.1 0.5 0.5 0.5 0.5 0.1\n',
  'class-too-high': '2 0.1 0.1 0.5 0.1 0.5 0.5\n',
}
const POSE: Record<string, string> = {
  good: '0 0.5 0.5 0.2 0.2 0.5 0.5 2 0.4 0.4 1\n',
  'not-labelled': '0 0.5 0.5 0.2 0.2 0 0 0 0 0 0\n',
  'too-few': '0 0.5 0.5 0.2 0.2 0.5 0.5 2\n',
  'too-many': '0 0.5 0.5 0.2 0.2 0.5 0.5 2 0.4 0.4 1 0.4 0.4 1\n',
  'boxes-only': '0 0.5 0.5 0.2 0.2\n',
  'point-beyond': '0 0.5 0.5 0.2 0.2 1.5 0.5 2 0.4 0.4 1\n',
  'point-below': '0 0.5 0.5 0.2 0.2 -0.5 0.5 2 0.4 0.4 1\n',
  'hidden-point-below': '0 0.5 0.5 0.2 0.2 -0.5 0.5 0 0.4 0.4 1\n',
  'box-beyond': '0 1.5 0.5 0.2 0.2 0.5 0.5 2 0.4 0.4 1\n',
}

describe.skipIf(!isInstalled)(`the loader of Ultralytics${skipped}`, () => {
  it.each([
    ['detect', 'detection', DETECT],
    ['segment', 'segmentation', SEGMENT],
    ['pose', 'pose', POSE],
  ] as const)(
    'takes and leaves out the same images as our reader for %s, with the same number of objects',
    async (mode, task, labels) => {
      using dir = temporaryFolder()
      const yaml = `train: images/train\nval: images/val\nnames: [cat, dog]\n${mode === 'pose' ? 'kpt_shape: [2, 3]\n' : ''}`
      writeTree(dir.path, { 'data.yaml': yaml, 'images/val/x.png': [20, 10] })
      for (const [name, text] of Object.entries(labels)) {
        writeTree(dir.path, { [`images/train/${name}.png`]: [40, 20], [`labels/train/${name}.txt`]: text })
      }
      const theirs = load(dir.path, mode).map(({ image, objects }) => [image, objects.length])
      const { records } = await readAll(dir.path, { task })
      const ours = records.map(({ path, annotations }) => [path, annotations.length])
      expect(ours.sort()).toEqual(theirs.sort())
    },
  )

  it.each(['detection', 'segmentation', 'obb', 'pose'] as const)(
    'takes every image of a messy dataset that we wrote for %s, with each row, and all names as they were',
    async (task) => {
      using dir = temporaryFolder()
      const names = ['no', '1e3', 'a: b', '猫', "it's", '~', ' x ', 'null']
      const classes = names.map((name, id) => ({ id, name, keypoints: ['nose', 'left', 'right'] }))
      const records: TestRecord[] = Array.from({ length: 30 }, (_, image) => ({
        annotations: Array.from({ length: image % 9 }, (_, object) => messy(image * 9 + object, names.length)),
        split: image % 5 === 4 ? 'val' : 'train',
      }))
      const { report, read } = await writeYolo(dir.path, task, records, { classes })
      const written = report.build({ from: 'dice', to: 'yolo', taskType: task, target: '' }, classes)
      const mode = { detection: 'detect', segmentation: 'segment', obb: 'obb', pose: 'pose' }[task]
      const seen = load(join(dir.path, 'target'), mode)
      expect(seen).toHaveLength(records.length)
      expect(seen.reduce((sum, { objects }) => sum + objects.length, 0)).toBe(written.annotations)
      const { records: ours } = await read()
      for (const { image, objects } of seen) {
        const labels = ours.find(({ path }) => path === image)?.annotations.map(({ classId }) => names[classId])
        expect(objects.map(({ label }) => label)).toEqual(labels)
      }
    },
  )
})

/** Objects that cross every border, are outside, tiny or rotated, or have several parts. */
function messy(seed: number, classCount: number): Annotation {
  const random = (step: number) => ((((seed * 7919 + step * 104729) % 1009) + 1009) % 1009) / 1009
  const x = random(1) * 160 - 30
  const y = random(2) * 90 - 20
  const width = random(3) ** 4 * 150
  const height = random(4) ** 4 * 80
  const ring = Array.from({ length: 3 + (seed % 5) }, (_, corner) => [
    x + width * Math.cos(corner * 1.7),
    y + height * Math.sin(corner * 1.7),
  ]).flat()
  const keypoints = [5, 6, 7].flatMap((step) => [
    random(step) * 140 - 20,
    random(step + 3) * 70 - 10,
    Math.floor(random(step + 6) * 3),
  ])
  return {
    kind: 'polygon',
    classId: seed % classCount,
    bbox: [x, y, width, height],
    polygons: seed % 3 === 0 ? [ring, ring.map((value) => value / 2 + 20)] : [ring],
    obb: cornersOfRotatedBox({ x, y, width: width + 1, height: height + 1, angle: seed * 13 }),
    keypoints,
  }
}
