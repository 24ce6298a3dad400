import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { type ImageSize, readImageSize } from '../../images/image-header.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { readImageFolder } from '../imagefolder/read.ts'
import type { DataYaml } from './data-yaml.ts'
import { isLoadableName, labelPathOf, MIN_SIDE } from './layout.ts'
import { openYoloLayout, type YoloLayout } from './open-layout.ts'
import { parseLabels, splitRows } from './parse-labels.ts'

/**
 * Opens a YOLO dataset: with a data.yaml, with darknet's obj.data, or folders of images and labels alone; folders of
 * classes for classification. What its loader would leave out is left out and counted.
 */
export async function readYolo(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal } = options
  const losses = new LossCounter()
  const listing = await listFiles(dir, signal)
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
  const names = yaml.names ?? (await countClasses(dir, layout))
  const format = { task, classCount: names.length, keypointShape: yaml.keypointShape ?? ([0, 0] as const) }

  return {
    format: 'yolo',
    taskType: task,
    classes: toClasses(names, yaml, task),
    losses,
    async *images() {
      countStrays(layout, losses)
      for (const [index, image] of images.entries()) {
        // Heartbeats and cancels must get through while a million labels are read.
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
      const text = readFileSync(join(dir, labelPath), 'utf8')
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
          `${path}: ${size.width} × ${size.height} pixels; wanted are ${MIN_SIDE} a side`,
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
    const keypoints = yaml.keypointNames.get(id)
    return {
      id,
      name,
      ...(task === 'pose' && keypoints !== undefined ? { keypoints } : {}),
      ...(task === 'pose' && yaml.flipIndex !== undefined ? { flipIndex: yaml.flipIndex } : {}),
    }
  })
}

/** Three numbers that people mix up: images without labels, labels without images, and (where found) names in other case. */
function countStrays({ images, finder }: YoloLayout, losses: LossCounter): void {
  for (const { path } of images) if (!finder.has(labelPathOf(path))) losses.add('image-without-label', path)
  const expected = new Set<string>()
  const folders = new Set<string>()
  for (const file of finder.files) if (isLoadableName(file)) expected.add(labelPathOf(file))
  for (const file of expected) if (finder.has(file)) folders.add(posix.dirname(file))
  for (const file of finder.files) {
    if (!file.endsWith('.txt') || expected.has(file) || posix.basename(file) === 'classes.txt') continue
    // Beside images lie lists and notes too; in a folder of labels all are labels.
    const isLabel = `/${file}`.includes('/labels/') || (folders.has(posix.dirname(file)) && file.includes('/'))
    if (isLabel) losses.add('label-without-image', file)
  }
}

const SNIFFED_FILES = 200

/**
 * What the rows are, whatever they shall become. Only outlines of four points and turned boxes cannot be told apart: there
 * the wanted task decides, unless the file says it.
 */
async function findTask(dir: string, layout: YoloLayout, wanted: TaskType | undefined): Promise<TaskType> {
  const { keypointShape, task } = layout.yaml
  if (keypointShape !== undefined) return 'pose'
  if (task !== undefined && task !== 'pose') return task
  const detected = await detectTask(dir, layout)
  const isUnclear = detected === 'obb' || detected === 'segmentation'
  return isUnclear && (wanted === 'obb' || wanted === 'segmentation') ? wanted : detected
}

/** By the rows of the first files: outlines are told from boxes by their length; four points each are turned boxes. */
async function detectTask(dir: string, { images, finder }: YoloLayout): Promise<TaskType> {
  let sniffed = 0
  let hasOutlines = false
  let areAllQuads = true
  for (const { path } of images) {
    const labelPath = labelPathOf(path)
    if (!finder.has(labelPath)) continue
    const rows = splitRows(await readFile(join(dir, labelPath), 'utf8'))
    if (rows.length === 0) continue
    if (rows.some(({ tokens }) => tokens.length > 6)) hasOutlines = true
    if (rows.some(({ tokens }) => tokens.length !== 9)) areAllQuads = false
    if (++sniffed >= SNIFFED_FILES) break
  }
  if (!hasOutlines) return 'detection'
  return areAllQuads ? 'obb' : 'segmentation'
}

/** Without any list of classes there are as many as the labels use. */
async function countClasses(dir: string, { images, finder }: YoloLayout): Promise<string[]> {
  let highest = -1
  for (const { path } of images) {
    const labelPath = labelPathOf(path)
    if (!finder.has(labelPath)) continue
    for (const { tokens } of splitRows(await readFile(join(dir, labelPath), 'utf8'))) {
      const id = Number(tokens[0])
      if (Number.isInteger(id) && id > highest && id < 100_000) highest = id
    }
  }
  return Array.from({ length: highest + 1 }, (_, id) => `class_${id}`)
}
