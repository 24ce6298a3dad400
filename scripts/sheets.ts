/** Draws `docs/images/sheet-{task}.png`: one contact sheet for each task, of a small dataset made here. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TaskType } from '@trainyard/contract'
import { openDataset, showDataset } from '@trainyard/datasets'
import { encode } from 'fast-png'
import { ROOT } from './lib/run.ts'

const SIDE = 120
const CLASSES = ['disc', 'bar']
type Point = readonly [number, number]

/** A disc or a turned bar on a grey slope, the same for a number each time. */
function createShape(number: number) {
  const classId = number % 2
  const [x, y] = [40 + ((number * 37) % 40), 40 + ((number * 23) % 40)]
  const angle = 0.5 + number
  const [along, across] = classId === 0 ? [24, 24] : [34, 12]
  const turn = (u: number, v: number): Point => [
    x + u * Math.cos(angle) - v * Math.sin(angle),
    y + u * Math.sin(angle) + v * Math.cos(angle),
  ]
  const corners = [turn(-along, -across), turn(along, -across), turn(along, across), turn(-along, across)]
  const disc = Array.from({ length: 20 }, (_, at) =>
    turn(24 * Math.cos((at * Math.PI) / 10), 24 * Math.sin((at * Math.PI) / 10)),
  )
  const isInside = (px: number, py: number) => {
    const [dx, dy] = [px - x, py - y]
    const [u, v] = [dx * Math.cos(angle) + dy * Math.sin(angle), dy * Math.cos(angle) - dx * Math.sin(angle)]
    return classId === 0 ? u * u + v * v < 24 * 24 : Math.abs(u) < along && Math.abs(v) < across
  }
  return {
    classId,
    center: [x, y] as Point,
    outline: classId === 0 ? disc : corners,
    corners,
    isInside,
    ends: [turn(-along, 0), turn(along, 0)],
  }
}

type Shape = ReturnType<typeof createShape>

function draw({ isInside, classId }: Shape): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE * 3)
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const ground = 40 + ((x + y) >> 2)
      const colour = isInside(x, y) ? (classId === 0 ? [230, 170, 60] : [90, 190, 220]) : [ground, ground, ground + 10]
      data.set(colour, (y * SIDE + x) * 3)
    }
  }
  return data
}

function toYolo(task: TaskType, { classId, outline, corners, center, ends }: Shape): string {
  const xs = outline.map(([x]) => x)
  const ys = outline.map(([, y]) => y)
  const [left, top, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
  const box = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
  const row = {
    detection: box,
    segmentation: outline.flat(),
    obb: corners.flat(),
    pose: [...box, ...[...ends, center].flat()],
    classification: [],
  }[task]
  return `${classId} ${row.map((value) => (value / SIDE).toFixed(5)).join(' ')}\n`
}

async function writeDataset(dir: string, task: TaskType): Promise<void> {
  for (let number = 0; number < 6; number++) {
    const shape = createShape(number)
    const isFolder = task === 'classification'
    const images = isFolder ? join(dir, 'train', CLASSES[shape.classId] ?? '') : join(dir, 'images/train')
    await mkdir(images, { recursive: true })
    await writeFile(
      join(images, `${number}.png`),
      encode({ width: SIDE, height: SIDE, channels: 3, depth: 8, data: draw(shape) }),
    )
    if (isFolder) continue
    await mkdir(join(dir, 'labels/train'), { recursive: true })
    await writeFile(join(dir, `labels/train/${number}.txt`), toYolo(task, shape))
  }
  const pose = task === 'pose' ? 'kpt_shape: [3, 2]\n' : ''
  if (task !== 'classification') {
    await writeFile(join(dir, 'data.yaml'), `train: images/train\nval: images/train\nnames: [disc, bar]\n${pose}`)
  }
}

for (const task of TaskType.options) {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-sheet-'))
  try {
    await writeDataset(dir, task)
    const target = join(ROOT, `docs/images/sheet-${task}.png`)
    await rm(target, { force: true })
    await showDataset(await openDataset(dir, { task }), { target, count: 6, columns: 6, tile: 146 })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
