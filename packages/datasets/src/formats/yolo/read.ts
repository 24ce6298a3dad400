import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findFault } from '../../files/file-fault.ts'
import { listFiles } from '../../files/list-files.ts'
import { decodeText } from '../../files/read-text.ts'
import { type ImageSize, readImageSize } from '../../images/image-header.ts'
import { inventName } from '../../record/classes.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { countOthers } from '../count-others.ts'
import { readImageFolder } from '../imagefolder/read.ts'
import { isClassList } from './class-lists.ts'
import { isLoadableName, MIN_SIDE } from './layout.ts'
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
  const hasLabels = images.some(({ path }) => finder.labelsOf(path) !== undefined)
  const isOfClasses = yaml.task === 'classification' || (options.task === 'classification' && !hasLabels)
  if (isOfClasses || images.length === 0) {
    if (Object.keys(yaml.splits).length > 0 && !isOfClasses) {
      throw new DatasetError('The dataset has no images in the folders and lists that it names', {
        reason: 'no-images',
      })
    }
    const labels = isOfClasses ? undefined : listing.files.find((path) => /(?:^|\/)labels[^/]*\/.*\.txt$/i.test(path))
    if (labels !== undefined)
      throw new DatasetError(
        `${labels} has no image: expected it in a folder "images" instead of "labels", or a data.yaml that names the folders`,
        { reason: 'no-images' },
      )
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
      countUnmatched(dir, layout, losses)
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
    const labelPath = finder.labelsOf(path)
    let annotations: Annotation[] | undefined = []
    if (labelPath !== undefined) {
      const text = readLabelText(dir, labelPath, losses)
      if (text === undefined) return undefined
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
      losses.add('image-unreadable', findFault(error, path).text)
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

/** Counts images without labels and labels without images, which are two different mistakes, and every other file. */
function countUnmatched(dir: string, { images, finder, lists }: YoloLayout, losses: LossCounter): void {
  const read = new Set<string>()
  for (const { path } of images) {
    read.add(path)
    if (finder.labelsOf(path) === undefined) losses.add('image-without-label', path)
  }
  const labels = new Set<string>()
  const folders = new Set<string>()
  for (const file of finder.files) {
    const label = isLoadableName(file) ? finder.labelsOf(file) : undefined
    if (label === undefined) continue
    labels.add(label)
    folders.add(posix.dirname(label))
  }
  const isOwn = (file: string) => labels.has(file) || lists.has(file) || isClassList(file) || DESCRIPTION.test(file)
  const others = finder.files.filter((file) => {
    if (/\.(?:gif|svg)$/i.test(file)) {
      losses.add('image-not-loadable', `${file}: its suffix`)
      return false
    }
    if (!/\.txt$/i.test(file) || isOwn(file)) return true
    // Beside images there can be lists and notes; in a folder of labels every file is a label file.
    const isLabel = `/${file}`.includes('/labels/') || (folders.has(posix.dirname(file)) && file.includes('/'))
    if (isLabel) losses.add('label-without-image', file)
    return !isLabel
  })
  countOthers({
    dir,
    files: others,
    isOwn,
    isRead: (file) => read.has(file),
    unread: 'no list and no folder names it',
    losses,
  })
}

/** Files that describe a dataset of YOLO, and caches of its loader. */
const DESCRIPTION = /\.(?:ya?ml|data|cfg|cache)$|(?:^|\/)(?:train|val|valid|test)\.txt$/i

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
    const labelPath = finder.labelsOf(path)
    if (labelPath === undefined) continue
    const rows = splitRows(readLabelText(dir, labelPath) ?? '')
    if (rows.length === 0) continue
    if (rows.some(({ tokens }) => tokens.length > 6)) hasOutlines = true
    if (rows.some(({ tokens }) => tokens.length !== 9)) areAllQuads = false
    if (++sampled >= SAMPLE) break
  }
  if (!hasOutlines) return 'detection'
  return areAllQuads ? 'obb' : 'segmentation'
}

/** Label files are small and many. Rare ones are UTF-16. Undefined, and counted, for a file that is not text. */
function readLabelText(dir: string, path: string, losses?: LossCounter): string | undefined {
  try {
    const bytes = readFileSync(join(dir, path))
    return isUtf8(bytes) ? bytes.toString('utf8') : decodeText(bytes, path)
  } catch (error) {
    const { text } = findFault(error, path)
    losses?.add('label-file-invalid', text)
    return undefined
  }
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
    const labelPath = finder.labelsOf(path)
    if (labelPath === undefined) continue
    for (const { tokens } of splitRows(readLabelText(dir, labelPath) ?? '')) {
      const id = Number(tokens[0])
      if (Number.isInteger(id) && id > highest && id < 100_000) highest = id
    }
  }
  return highest + 1
}
