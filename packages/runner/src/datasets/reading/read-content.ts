import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type DatasetFormat, isSafeRelativePath, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import {
  type DatasetReader,
  findDiceFile,
  hashSplit,
  type ImageRecord,
  openDataset,
  readImageSize,
} from '@trainyard/datasets'
import { invalidRequest, TrainyardError } from '@trainyard/platform'
import type { DatasetContent, DatasetImage, UnpackedDataset } from './dataset-content.ts'
import { isImagePath, isMask } from './dataset-files.ts'
import { createIssueList, type IssueList } from './issue-list.ts'
import { ObjectBudget, sizeOfImage } from './objects-to-draw.ts'

/** The files of formats whose readers do not tell. */
const ANNOTATION_FILES: Readonly<Partial<Record<DatasetFormat, RegExp>>> = {
  coco: /\.json$/i,
  yolo: /(\.(txt|ya?ml|names|data)|(^|\/)_darknet\.labels)$/i,
  voc: /(\.(xml|txt)|(^|\/)Segmentation(Class|Object)[^/]*\/.+\.png)$/i,
  labelme: /\.(json|txt)$/i,
  imagefolder: /^$/,
}
/** Formats with one file per image: the file marks its image as reviewed, even when it lists no object. */
const ONE_FILE_AN_IMAGE: ReadonlySet<DatasetFormat> = new Set([
  'yolo',
  'voc',
  'labelme',
  'dota',
  'kitti',
  'supervisely',
])
/** Formats with files that are parsed at once, for all images. */
const WHOLE_FILES: ReadonlySet<DatasetFormat> = new Set([
  'cvat',
  'label-studio',
  'via',
  'createml',
  'tensorflow-csv',
  'open-images',
  'huggingface',
])
/** Parsing more would keep other requests waiting. */
const MAX_WHOLE_FILE_BYTES = 16 * 1024 ** 2
/** Formats whose objects are in masks. Where masks do not have folders of their own, every PNG can be one. */
const MASKS: Readonly<Partial<Record<DatasetFormat, (path: string) => boolean>>> = {
  voc: isMask,
  masks: isPng,
  'coco-panoptic': isPng,
}
/** Decoding a larger mask would keep other requests waiting, and take a gigabyte of memory. */
const MAX_MASK_PIXELS = 32_000_000
/** Other requests must be answered while a million images are read. */
const YIELD_EVERY = 200

export interface ReadContentOptions {
  format: DatasetFormat
  /** The task, where the format does not tell: oriented boxes of YOLO look like outlines. */
  taskType: TaskType | undefined
  /** What messages call the dataset. */
  name: string
}

/**
 * Reads a dataset from start to end with the readers of `@trainyard/datasets` and lists its images. Throws
 * `unprocessable` with the first issues, and `DatasetError` for a dataset that cannot be read at all.
 */
export async function readContent(
  dataset: UnpackedDataset,
  { format, taskType, name }: ReadContentOptions,
): Promise<DatasetContent> {
  checkWholeFiles(dataset, format)
  await checkMasks(dataset, format)
  const issues = createIssueList()
  const reader = await openDataset(dataset.dir, {
    format,
    task: taskType,
    name,
    onIssue: ({ path, detail, value }) => issues.add(path, detail, value),
  })
  try {
    checkTask(reader.taskType, taskType)
    const annotationFiles = await listAnnotationFiles(dataset, reader, taskType)
    const images = await listImages(dataset, reader, { annotationFiles, issues, name })
    issues.throwIfAny(`The ${format} dataset cannot be used`)
    if (images.listed.length === 0)
      throw new TrainyardError('unprocessable', `The ${format} dataset has no images: it needs at least one`)
    return {
      format: reader.format,
      taskType: reader.taskType,
      classes: reader.classes.map(({ id, name: className, color }) => ({ id, name: className, color })),
      images: [...images.listed, ...findUnlisted(dataset, new Set([...images.paths, ...annotationFiles]))],
      annotationFiles,
      annotations: images.annotations,
    }
  } finally {
    await reader.close?.()
  }
}

/** DICE states its task itself: another one that was asked for is a mistake, and is not passed over. */
function checkTask(stated: TaskType, asked: TaskType | undefined): void {
  if (asked === undefined || asked === stated) return
  const detail =
    `must be "${stated}", the task that the files state: leave it out, or convert the dataset first with ` +
    `"trainyard dataset convert --task ${asked}"`
  throw invalidRequest([{ path: 'taskType', detail, value: asked }])
}

/** Throws `unprocessable` for a file of annotations that is too large to be parsed at once. */
function checkWholeFiles({ files }: UnpackedDataset, format: DatasetFormat): void {
  if (!WHOLE_FILES.has(format)) return
  for (const [path, sizeBytes] of files)
    if (/\.(xml|jsonl?|csv)$/i.test(path) && sizeBytes > MAX_WHOLE_FILE_BYTES)
      throw new TrainyardError(
        'unprocessable',
        `${JSON.stringify(path)} has ${sizeBytes} bytes; expected at most ${MAX_WHOLE_FILE_BYTES} in a file of the format ` +
          `${format}. Convert the dataset first: trainyard dataset convert SRC DST --to coco`,
      )
}

/** Throws `unprocessable` for a mask that is too large to be decoded at once. */
async function checkMasks({ dir, files }: UnpackedDataset, format: DatasetFormat): Promise<void> {
  const isOfMasks = MASKS[format]
  if (isOfMasks === undefined) return
  let seen = 0
  for (const path of files.keys()) {
    if (!isPng(path) || !isOfMasks(path)) continue
    if (++seen % YIELD_EVERY === 0) await setImmediate()
    const { width, height } = sizeOfMask(join(dir, path), path)
    if (width * height > MAX_MASK_PIXELS)
      throw new TrainyardError(
        'unprocessable',
        `${JSON.stringify(path)} has ${width} × ${height} pixels; expected at most ${MAX_MASK_PIXELS} in a mask. Cut the images ` +
          'and masks into tiles, or convert the dataset first: trainyard dataset convert SRC DST --to coco',
      )
  }
}

/** A damaged mask is reported by its reader. */
function sizeOfMask(file: string, path: string): { width: number; height: number } {
  try {
    return readImageSize(file, path)
  } catch (error) {
    if (error instanceof DatasetError) return { width: 0, height: 0 }
    throw error
  }
}

function isPng(path: string): boolean {
  return /\.png$/i.test(path)
}

async function listAnnotationFiles(
  { dir, files }: UnpackedDataset,
  { format, isAnnotationFile }: DatasetReader,
  taskType: TaskType | undefined,
): Promise<string[]> {
  if (format === 'dice') {
    const diceFile = await findDiceFile(dir, taskType)
    return diceFile === undefined ? [] : [diceFile]
  }
  const pattern = ANNOTATION_FILES[format] ?? /^$/
  return [...files.keys()].filter(isAnnotationFile ?? ((path) => pattern.test(path)))
}

/** The images that the annotations list. */
async function listImages(
  { files }: UnpackedDataset,
  reader: DatasetReader,
  { annotationFiles, issues, name }: { annotationFiles: readonly string[]; issues: IssueList; name: string },
): Promise<{ listed: DatasetImage[]; paths: ReadonlySet<string>; annotations: number }> {
  const { format, isAnnotationFile } = reader
  const listed: DatasetImage[] = []
  const seen = new Set<string>()
  const stems = new Set(ONE_FILE_AN_IMAGE.has(format) ? annotationFiles.map(baseStem) : [])
  const budget = new ObjectBudget()
  let annotations = 0
  let count = 0
  for await (const record of reader.images()) {
    if (++count % YIELD_EVERY === 0) await setImmediate()
    const { path, field } = record
    if (!isSafeRelativePath(path)) {
      issues.add('image', 'must have a relative path that stays inside the dataset', path)
    } else if (!files.has(path)) {
      // COCO files list many images without objects that are not part of the download.
      if (field !== undefined)
        issues.add(`${field}.file_name`, `must be the path of an image in ${name}; this one does not exist`, path)
      else if (record.annotations.length > 0) issues.add(path, `is annotated, but does not exist in ${name}`)
    } else if (seen.has(path)) {
      issues.add(path, 'must be annotated once; it is annotated twice')
    } else {
      seen.add(path)
      annotations += record.annotations.length
      const isReviewed = format === 'coco' || isAnnotationFile !== undefined || stems.has(baseStem(path))
      listed.push({ ...toImage(record, { isReviewed }), size: sizeOfImage(record), objects: budget.take(record) })
    }
  }
  return { listed, paths: seen, annotations }
}

function toImage(record: ImageRecord, { isReviewed }: { isReviewed: boolean }): DatasetImage {
  const { path, split, field, width, height } = record
  const classIds = [...new Set(record.annotations.map(({ classId }) => classId))].sort((a, b) => a - b)
  // DICE marks images that were reviewed and are empty.
  const isEmpty = record.attributes?.is_background !== undefined
  const isDeclared = field !== undefined && width > 0 && height > 0
  return {
    path,
    split: split ?? hashSplit(path),
    splitGiven: split !== undefined,
    classIds,
    labelled: classIds.length > 0 || isEmpty || isReviewed,
    declared: isDeclared ? { width, height, field: `${field}.width` } : undefined,
  }
}

/** Images that no annotation file lists: kept without a label. */
function findUnlisted({ files }: UnpackedDataset, listed: ReadonlySet<string>): DatasetImage[] {
  return [...files.keys()]
    .filter((path) => !listed.has(path) && isImagePath(path))
    .map((path) => ({ path, split: hashSplit(path), splitGiven: false, classIds: [], labelled: false }))
}

function baseStem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '')
}
