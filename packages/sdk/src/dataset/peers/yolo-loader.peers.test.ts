import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAll, type TestRecord, temporaryFolder, writeTree, writeYolo } from '../../tests/yolo-dataset.ts'
import { cornersOfRotatedBox } from '../geometry/obb.ts'
import type { Annotation } from '../record.ts'

const python = process.env.TRAINYARD_PEERS_PYTHON
const hasPeer =
  python !== undefined &&
  spawnSync(python, ['-c', 'import importlib.util as u, sys; sys.exit(u.find_spec("ultralytics") is None)']).status ===
    0
const skipped = hasPeer ? '' : ' (skipped: TRAINYARD_PEERS_PYTHON names no Python with ultralytics)'

interface Seen {
  image: string
  objects: { label: string; box: number[] }[]
}

function load(dir: string, task: string): Seen[] {
  const script = new URL('./read_with_peers.py', import.meta.url).pathname
  const env = { ...process.env, YOLO_VERBOSE: 'false', YOLO_AUTOINSTALL: 'false' }
  const result = spawnSync(python ?? '', [script, 'ultralytics', dir, task], { env, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(result.stderr.slice(-3000))
  return JSON.parse(result.stdout)
}

/** One label file each; the loader's verdict is ours, whatever it is. */
const LABELS: Record<string, string> = {
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

describe.skipIf(!hasPeer)(`the loader of Ultralytics${skipped}`, () => {
  it('takes and leaves out the same images as our reader, with the same number of objects', async () => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'data.yaml': 'train: images/train\nval: images/val\nnames: [cat, dog]\n',
      'images/val/x.png': [20, 10],
    })
    for (const [name, text] of Object.entries(LABELS)) {
      writeTree(dir.path, { [`images/train/${name}.png`]: [40, 20], [`labels/train/${name}.txt`]: text })
    }
    const theirs = load(dir.path, 'detect').map(({ image, objects }) => [image, objects.length])
    const { records } = await readAll(dir.path, { task: 'detection' })
    const ours = records.map(({ path, annotations }) => [path, annotations.length])
    expect(ours.sort()).toEqual(theirs.sort())
  })

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

/** Objects that reach over every border, lie outside, are tiny, turned, or made of pieces. */
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
