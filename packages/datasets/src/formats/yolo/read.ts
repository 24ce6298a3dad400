import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { decodeText } from '../../files/read-text.ts'
import { type ImageSize, readImageSize } from '../../images/image-header.ts'
import { inventName } from '../../record/classes.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { readImageFolder } from '../imagefolder/read.ts'
import { isClassList } from './class-lists.ts'
import { isLoadableName, labelPathOf, MIN_SIDE } from './layout.ts'
import { openYoloLayout, type YoloLayout } from './open-layout.ts'
import type { DataYaml } from './parse-data-yaml.ts'
import { parseLabels, splitRows } from './parse-labels.ts'

/**
 * Opens a YOLO dataset: with a data.yaml, with the obj.data of darknet, or with folders of images and labels alone; for
 * classification with a folder for each class. What the loader of Ultralytics skips is skipped and counted.
 */
export async function readYolo(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal } = options
  const losses = new LossCounter()
  const listing = await listFiles(dir, options)
  const layout = await openYoloLayout(dir, listing, losses)
  const { images, finder, yaml } = layout
  const hasLabels = images.some(({ path }) => finder.has(labelPathOf(path)))
  const isOfClasses = yaml.task === 'classification' || (options.task === 'classification' && !hasLabels)
  if (isOfClasses || images.length === 0) {
    if (Object.keys(yaml.splits).length > 0 && !isOfClasses) {
      throw new DatasetError('The dataset has no images in the folders and lists that it names', {
        reason: 'no-images',
      })
    }
    return { ...(await readImageFolder(dir, { ...options, onIssue: undefined })), format: 'yolo' }
  }
  const task = await findTask(dir, layout, options.task)
  const names = yaml.names ?? (await inventNames(dir, layout, losses))
  const format = { task, classCount: names.length, keypointShape: yaml.keypointShape ?? ([0, 0] as const) }

  return {
    format: 'yolo',
    taskType: task,
    classes: toClasses(names, yaml, task),
    losses,
    async *images() {
      countUnmatched(layout, losses)
      for (const [index, image] of images.entries()) {
        // Heartbeats and cancellation must get through while a million labels are read.
        if (index % 200 === 199) await setImmediate()
        signal?.throwIfAborted()
        const record = readRecord(image)
        if (record !== undefined) yield record
      }
    },
  }

  function readRecord({ path, split }: YoloLayout['images'][number]): ImageRecord | undefined {
    const file = join(dir, path)
    const size = readSize(file, path)
    if (size === undefined) return undefined
    const { width, height } = size
    const labelPath = labelPathOf(path)
    let annotations: Annotation[] | undefined = []
    if (finder.has(labelPath)) {
      const text = readLabelText(dir, labelPath)
      if (text !== '' && (width === 0 || height === 0)) {
        losses.add('image-size-unknown', path)
        return undefined
      }
      annotations = parseLabels(text, labelPath, width, height, format, losses)
    }
    return annotations && { path, file, width, height, split, annotations }
  }

  function readSize(file: string, path: string): ImageSize | undefined {
    try {
      const size = readImageSize(file, path)
      if (size.width > 0 && Math.min(size.width, size.height) < MIN_SIDE) {
        losses.add(
          'image-not-loadable',
          `${path}: ${size.width} × ${size.height} pixels; expected at least ${MIN_SIDE} a side`,
        )
      }
      return size
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error
      losses.add('image-unreadable', error.message)
      return undefined
    }
  }
}

function toClasses(names: readonly string[], yaml: DataYaml, task: TaskType): DatasetClassInfo[] {
  return names.map((name, id) => {
    if (task !== 'pose') return { id, name }
    return { id, name, keypoints: yaml.keypointNames.get(id), flipIndex: yaml.flipIndex }
  })
}

/** Counts images without labels and labels without images, which are two different mistakes. */
function countUnmatched({ images, finder }: YoloLayout, losses: LossCounter): void {
  for (const { path } of images) if (!finder.has(labelPathOf(path))) losses.add('image-without-label', path)
  const expected = new Set<string>()
  const folders = new Set<string>()
  for (const file of finder.files) if (isLoadableName(file)) expected.add(labelPathOf(file))
  for (const file of expected) if (finder.has(file)) folders.add(posix.dirname(file))
  for (const file of finder.files) {
    if (!file.endsWith('.txt') || expected.has(file) || isClassList(file)) continue
    // Beside images there can be lists and notes; in a folder of labels every file is a label file.
    const isLabel = `/${file}`.includes('/labels/') || (folders.has(posix.dirname(file)) && file.includes('/'))
    if (isLabel) losses.add('label-without-image', file)
  }
}

/** Label files that are read to detect the task. */
const SAMPLE = 200

/**
 * The task of the rows in the files, not the one to convert to. Only outlines of four points and rotated boxes look the
 * same: then `requested` decides, unless the file names its task.
 */
async function findTask(dir: string, layout: YoloLayout, requested: TaskType | undefined): Promise<TaskType> {
  const { keypointShape, task } = layout.yaml
  if (keypointShape !== undefined) return 'pose'
  if (task !== undefined && task !== 'pose') return task
  const detected = await detectTask(dir, layout)
  const isUnclear = detected === 'obb' || detected === 'segmentation'
  return isUnclear && (requested === 'obb' || requested === 'segmentation') ? requested : detected
}

/** By the rows of the first files: longer rows are outlines, and when all have four points they are rotated boxes. */
async function detectTask(dir: string, { images, finder }: YoloLayout): Promise<TaskType> {
  let sampled = 0
  let hasOutlines = false
  let areAllQuads = true
  for (const { path } of images) {
    const labelPath = labelPathOf(path)
    if (!finder.has(labelPath)) continue
    const rows = splitRows(readLabelText(dir, labelPath))
    if (rows.length === 0) continue
    if (rows.some(({ tokens }) => tokens.length > 6)) hasOutlines = true
    if (rows.some(({ tokens }) => tokens.length !== 9)) areAllQuads = false
    if (++sampled >= SAMPLE) break
  }
  if (!hasOutlines) return 'detection'
  return areAllQuads ? 'obb' : 'segmentation'
}

/** Label files are small and many. Rare ones are UTF-16: their mark is not UTF-8. */
function readLabelText(dir: string, path: string): string {
  const text = readFileSync(join(dir, path), 'utf8')
  return text.startsWith('\ufffd') ? decodeText(readFileSync(join(dir, path)), path) : text
}

/** Without a list of classes: as many as `nc` says, otherwise up to the highest class number in the labels. */
async function inventNames(dir: string, layout: YoloLayout, losses: LossCounter): Promise<string[]> {
  const count = layout.yaml.classCount ?? (await countClasses(dir, layout))
  const names = Array.from({ length: count }, (_, id) => inventName(id))
  losses.add('class-name-invented', `the dataset has no list of class names: ${names.slice(0, 5).join(', ')}`, count)
  return names
}

async function countClasses(dir: string, { images, finder }: YoloLayout): Promise<number> {
  let highest = -1
  for (const { path } of images) {
    const labelPath = labelPathOf(path)
    if (!finder.has(labelPath)) continue
    for (const { tokens } of splitRows(readLabelText(dir, labelPath))) {
      const id = Number(tokens[0])
      if (Number.isInteger(id) && id > highest && id < 100_000) highest = id
    }
  }
  return highest + 1
}
