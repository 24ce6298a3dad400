import type { TaskType } from '../../../contract/index.ts'
import { DatasetError } from '../../../errors.ts'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { FileWindow } from '../../json/file-window.ts'
import { createPixelFinder, type PixelFinder } from '../../pixel-finder.ts'
import { toPortablePath } from '../../portable-path.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record.ts'
import { LossCounter } from '../../report.ts'
import { findCocoFiles } from './find-coco-files.ts'
import { type CocoIndex, indexCocoFile } from './index-coco-file.ts'
import { parseAnnotation } from './parse-annotation.ts'
import { readCocoClasses } from './read-classes.ts'
import { toAnnotation } from './to-annotation.ts'

/** What a worker thread needs to read a part of a COCO dataset: it can be sent to one, and shares its memory. */
export interface SharedCoco {
  format: 'coco'
  /** Absolute. */
  root: string
  taskType: TaskType
  classes: DatasetClassInfo[]
  files: { index: CocoIndex; classById: Map<string, number> }[]
}

/** No picture is larger; more is a slip of the keyboard. */
const MAX_SIDE = 1_000_000

/**
 * Opens a COCO dataset: a folder with `annotations/instances_*.json`, with files at its root or in the folders of its
 * splits, or one file. Each file is read twice, from end to end to find everything (16 bytes an annotation stay in memory)
 * and then image by image, so that its size does not matter. Throws `DatasetError` for what is no COCO.
 */
export async function readCoco(
  dir: string,
  options: ReadOptions = {},
): Promise<DatasetReader & { shared: SharedCoco }> {
  const { task, signal } = options
  const { root, files } = await findCocoFiles(dir, task)
  if (files.length === 0) {
    throw new DatasetError(`No COCO annotations in "${dir}"; wanted is a .json file there or in "annotations"`)
  }
  const losses = new LossCounter()
  const indexed = []
  for (const file of files) indexed.push(await indexCocoFile(file, signal))
  for (const file of indexed) losses.merge(file.losses.list())
  const { classes, byId } = readCocoClasses(
    indexed.map(({ index, categories }) => ({ name: index.name, categories })),
    losses,
  )
  if (indexed.every(({ index }) => index.imageOffsets.length === 0)) {
    throw new DatasetError(
      `The dataset has no images: "images" is empty in ${files.map(({ name }) => name).join(', ')}`,
    )
  }
  const shared: SharedCoco = {
    format: 'coco',
    root,
    taskType: task ?? findTask(indexed),
    classes,
    files: indexed.map(({ index }, number) => ({ index, classById: byId[number] ?? new Map() })),
  }
  return { ...openSharedCoco(shared, losses), attributes: indexed[0]?.members ?? {}, shared }
}

/** The reader over an index; `range` cuts out images by their place over all files. */
export function openSharedCoco(
  shared: SharedCoco,
  losses: LossCounter = new LossCounter(),
  range: { start: number; end: number } = { start: 0, end: Number.POSITIVE_INFINITY },
): DatasetReader {
  return {
    format: 'coco',
    taskType: shared.taskType,
    classes: shared.classes,
    losses,
    async *images() {
      let first = 0
      for (const file of shared.files) {
        const count = file.index.imageOffsets.length
        const start = Math.max(0, range.start - first)
        const end = Math.min(count, range.end - first)
        first += count
        if (start < end) yield* readImages(shared, file, { start, end }, losses)
      }
    },
  }
}

/** The number of images over all files. */
export function countCocoImages(shared: SharedCoco): number {
  return shared.files.reduce((sum, { index }) => sum + index.imageOffsets.length, 0)
}

function* readImages(
  shared: SharedCoco,
  { index, classById }: SharedCoco['files'][number],
  range: { start: number; end: number },
  losses: LossCounter,
): Generator<ImageRecord> {
  const images = new FileWindow(index.file)
  const annotations = new FileWindow(index.file)
  const pixels = createPixelFinder(shared.root, index.name, index.split)
  try {
    for (let at = range.start; at < range.end; at++) {
      const length = index.imageLengths[at] as number
      const start = images.read(index.imageOffsets[at] as number, length)
      const record = toRecord(images.bytes.subarray(start, start + length), `images[${at}] in ${index.name}`)
      if (record === undefined) continue
      const last = index.starts[at + 1] as number
      for (let number = index.starts[at] as number; number < last; number++) {
        const annotation = readAnnotation(number, record)
        if (annotation !== undefined) record.annotations.push(annotation)
      }
      yield record
    }
  } finally {
    images.close()
    annotations.close()
  }

  function toRecord(bytes: Buffer, place: string): ImageRecord | undefined {
    const { id, file_name, width, height, ...rest } = parseImage(bytes, place)
    const fileName = toPortablePath(String(file_name))
    if (fileName === undefined) {
      losses.add('image-unsafe-path', () => `${place} has the file_name ${JSON.stringify(file_name).slice(0, 200)}`)
      return undefined
    }
    const record: ImageRecord = {
      ...locate(pixels, fileName),
      width: toSide(width),
      height: toSide(height),
      split: index.split,
      annotations: [],
    }
    if (record.width === 0 || record.height === 0) {
      record.width = record.height = 0
      losses.add('image-size-unknown', () => `${place} is ${JSON.stringify(width)} × ${JSON.stringify(height)} pixels`)
    }
    if (typeof id === 'number' || typeof id === 'string') {
      record.id = id
      if (typeof id === 'number' && Number.isInteger(id) && !Number.isSafeInteger(id)) {
        losses.add('id-changed', () => `${place} has an id beyond 2^53`)
      }
    }
    for (const _ in rest) {
      record.attributes = rest
      break
    }
    return record
  }

  function readAnnotation(number: number, { width: imageWidth, height: imageHeight }: ImageRecord) {
    const place = () => `annotations[${index.annotationNumbers[number]}] in ${index.name}`
    const length = index.annotationLengths[number] as number
    const start = annotations.read(index.annotationOffsets[number] as number, length)
    const { bytes, words } = annotations
    const context = { classes: shared.classes, classById, imageWidth, imageHeight, losses, place }
    let annotation: Annotation | undefined
    try {
      annotation = toAnnotation(parseAnnotation(bytes, words, start, start + length), context)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw explainJsonError(place(), bytes.subarray(start, start + length), error)
    }
    return annotation
  }
}

function locate(pixels: PixelFinder, fileName: string): Pick<ImageRecord, 'path' | 'file'> {
  const found = pixels.find(fileName)
  return found === undefined ? { path: fileName } : found
}

function parseImage(bytes: Buffer, place: string): Record<string, unknown> {
  const text = bytes.toString('utf8')
  if (text.includes('\ufffd') && !bytes.includes('\ufffd')) {
    throw new DatasetError(`${place} holds bytes that are no UTF-8; wanted is UTF-8 text`)
  }
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    throw explainJsonError(place, bytes, error)
  }
}

function toSide(value: unknown): number {
  const side = typeof value === 'string' ? Number(value) : value
  return typeof side === 'number' && side > 0 && side <= MAX_SIDE ? Math.round(side) : 0
}

function findTask(files: { hasKeypoints: boolean; hasPolygons: boolean }[]): TaskType {
  if (files.some(({ hasKeypoints }) => hasKeypoints)) return 'pose'
  return files.some(({ hasPolygons }) => hasPolygons) ? 'segmentation' : 'detection'
}
