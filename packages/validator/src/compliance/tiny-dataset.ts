import type { DICE_TASK_TYPES, SplitName, TaskType } from '@trainyard/contract'
import { encode } from 'fast-png'
import { packTar } from 'modern-tar'
import { createRandom, type Random } from './random.ts'

/** A generated dataset, ready to upload. */
export interface TinyDataset {
  readonly tar: Uint8Array
  readonly images: number
  readonly classes: number
  /** The true class of each image, by its path. Only the validator knows it where the labels are others. */
  readonly truth: ReadonlyMap<string, number>
  /** RGB, line by line, by the path of the image. */
  readonly pixels: ReadonlyMap<string, Uint8Array>
  /** By class id. */
  readonly classNames: readonly string[]
  /** Width and height of every image. */
  readonly imageSize: number
  /** It does not tell what the dataset is for. */
  readonly name: string
}

export interface TinyDatasetOptions {
  /** `true`: those of the drawings. `wrong`: never the true class. `random`: without any relation to the image. Default: `true`. */
  readonly labels?: 'true' | 'wrong' | 'random' | undefined
  /** Images of each class. Default: as many as a short training needs. */
  /** Datasets with the same one have the same classes. Default: the seed. */
  readonly classSeed?: number | undefined
  readonly perClass?: Readonly<Record<SplitName, number>> | undefined
}

/** The tasks for which a dataset can be generated: those that the DICE format supports. */
const DICE_TASKS: Readonly<Partial<Record<TaskType, (typeof DICE_TASK_TYPES)[number]>>> = {
  classification: 'classification',
  detection: 'object_detection',
  segmentation: 'instance_segmentation',
  pose: 'keypoint_detection',
}

const COLORS = [
  [210, 40, 40],
  [40, 180, 60],
  [50, 70, 210],
] as const
const FORMS = ['square', 'disc', 'bar'] as const
const NAMES = ['alder', 'birch', 'cedar', 'elm', 'fir', 'hazel', 'larch', 'maple', 'oak', 'pine', 'rowan', 'willow']

/** What is drawn for a class. Which class it is changes with the seed, so that a trainer has to learn it. */
interface Shape {
  readonly id: number
  readonly name: string
  readonly color: readonly number[]
  readonly form: (typeof FORMS)[number]
}

function chooseClasses(seed: number): Shape[] {
  const random = createRandom(seed)
  const [names, colors, forms] = [shuffle(NAMES, random), shuffle(COLORS, random), shuffle(FORMS, random)]
  return colors.map((color, id) => ({ id, name: names[id] ?? '', color, form: forms[id] ?? 'square' }))
}

const PER_CLASS = { train: 6, val: 6, test: 2 } as const satisfies Record<SplitName, number>

export function canMakeDataset(task: TaskType): boolean {
  return DICE_TASKS[task] !== undefined
}

/**
 * Generates coloured shapes on grey noise, which any working trainer can learn to tell apart. The names and the order of the
 * images do not tell their classes.
 */
export async function createTinyDataset(
  task: TaskType,
  seed: number,
  { labels = 'true', classSeed = seed, perClass = PER_CLASS }: TinyDatasetOptions = {},
): Promise<TinyDataset> {
  const diceTask = DICE_TASKS[task]
  if (diceTask === undefined) throw new Error(`no dataset can be generated for ${task}`)
  const random = createRandom(seed)
  const classes = chooseClasses(classSeed)
  const datasetName = `set-${random.integer(1000, 999_999)}`
  const size = task === 'classification' ? 32 : 64
  const entries: { header: { name: string; size: number; mode: number; mtime: Date }; body: Uint8Array }[] = []
  const images: (Record<string, unknown> & { file_name: string })[] = []
  const truth = new Map<string, number>()
  const pixels = new Map<string, Uint8Array>()
  for (const { shape, split } of shuffle(planImages(classes, perClass), random)) {
    const id = images.length + 1
    const name = `images/${String(id).padStart(4, '0')}.png`
    const box = chooseBox(size, random)
    const data = draw(size, shape, box, random)
    pixels.set(name, data)
    const body = encode({ width: size, height: size, channels: 3, depth: 8, data })
    entries.push({ header: { name, size: body.length, mode: 0o644, mtime: EPOCH }, body })
    const label = chooseLabel(classes, shape, labels, random)
    const annotation = { id, image_id: id, class_id: label.id, class_name: label.name, ...describeBox(task, box) }
    images.push({ id, file_name: name, width: size, height: size, depth: 3, split, annotations: [annotation] })
    truth.set(name, shape.id)
  }
  const annotations = {
    format_version: '1.0',
    dataset_id: datasetName,
    dataset_name: datasetName,
    task_type: diceTask,
    storage_info: { storage_type: 'local', image_root: '' },
    classes: classes.map(({ id, name }) => ({ id, name, supercategory: 'shape' })),
    images,
  }
  const json = new TextEncoder().encode(JSON.stringify(annotations))
  entries.unshift({ header: { name: 'annotations.json', size: json.length, mode: 0o644, mtime: EPOCH }, body: json })
  return {
    tar: await packTar(entries),
    images: images.length,
    classes: classes.length,
    truth,
    pixels,
    classNames: classes.map(({ name }) => name),
    imageSize: size,
    name: datasetName,
  }
}

function planImages(
  classes: readonly Shape[],
  perClass: Readonly<Record<SplitName, number>>,
): { shape: Shape; split: SplitName }[] {
  return classes.flatMap((shape) =>
    (['train', 'val', 'test'] as const).flatMap((split) =>
      Array.from({ length: perClass[split] }, () => ({ shape, split })),
    ),
  )
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function chooseLabel(
  classes: readonly Shape[],
  shape: Shape,
  labels: 'true' | 'wrong' | 'random',
  random: Random,
): Shape {
  if (labels === 'true') return shape
  const others = labels === 'wrong' ? classes.filter(({ id }) => id !== shape.id) : classes
  return others[random.integer(0, others.length - 1)] ?? shape
}

/** A fixed time, so that the same seed gives the same bytes. */
const EPOCH = new Date(0)

interface Box {
  readonly x: number
  readonly y: number
  readonly side: number
}

function chooseBox(size: number, random: Random): Box {
  const side = random.integer(Math.floor(size * 0.4), Math.floor(size * 0.6))
  return { x: random.integer(1, size - side - 1), y: random.integer(1, size - side - 1), side }
}

/** The annotation of an object for a task, without its class. */
function describeBox(task: TaskType, { x, y, side }: Box) {
  if (task === 'classification') return {}
  const box = { bbox: [x, y, side, side], bbox_format: 'xywh', area: side * side, iscrowd: 0 }
  const corners = [x, y, x + side, y, x + side, y + side, x, y + side]
  if (task === 'segmentation') return { ...box, segmentation: [corners] }
  if (task !== 'pose') return box
  const keypoints = [x, y, 2, x + side, y, 2, x + side, y + side, 2, x, y + side, 2]
  return { ...box, keypoints, num_keypoints: 4 }
}

function draw(size: number, shape: Shape, box: Box, random: Random): Uint8Array {
  const pixels = new Uint8Array(size * size * 3)
  const radius = box.side / 2
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dx = x - box.x - radius + 0.5
      const dy = y - box.y - radius + 0.5
      const inside =
        shape.form === 'disc'
          ? Math.hypot(dx, dy) < radius
          : Math.abs(dx) < radius && Math.abs(dy) < radius / (shape.form === 'bar' ? 2 : 1)
      const noise = random.integer(-12, 12)
      for (const [channel, value] of shape.color.entries()) {
        pixels[(y * size + x) * 3 + channel] = Math.min(255, Math.max(0, (inside ? value : 128) + noise))
      }
    }
  }
  return pixels
}
