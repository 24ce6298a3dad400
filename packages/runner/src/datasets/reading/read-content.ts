import { rm, rmdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type DatasetFormat, isSafeRelativePath, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import {
  type DatasetReader,
  findDiceFile,
  findImageFault,
  hashSplit,
  type ImageRecord,
  LossCounter,
  openDataset,
  readImageSize,
} from '@trainyard/datasets'
import { invalidRequest, TrainyardError } from '@trainyard/platform'
import type { DatasetContent, DatasetImage, UnpackedDataset } from './dataset-content.ts'
import { isImagePath, isMask } from './dataset-files.ts'
import { ObjectBudget, sizeOfImage } from './objects-to-draw.ts'
import { Omissions } from './omissions.ts'

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
const MAX_TURN_MS = 20
const UNUSABLE: ReadonlySet<string> = new Set(['image-unreadable', 'image-truncated', 'image-size-mismatch'])

export interface ReadContentOptions {
  format: DatasetFormat
  /** The task, where the format does not tell: oriented boxes of YOLO look like outlines. */
  taskType: TaskType | undefined
  /** What messages call the dataset. */
  name: string
  /** Refuse a dataset of which anything would be left out or changed. */
  strict: boolean
  /** Whether the images are here, and are checked. Otherwise placeholders stand for them. */
  hasPixels: boolean
}

/**
 * Reads a dataset from start to end with the readers of `@trainyard/datasets` and lists its images. What cannot be used is
 * left out and counted; images that would spoil a training are removed from the folder. Throws `unprocessable` with the
 * first issues when `strict`, and `DatasetError` for a dataset that cannot be read at all.
 */
export async function readContent(
  dataset: UnpackedDataset,
  options: ReadContentOptions,
): Promise<{ dataset: UnpackedDataset; content: DatasetContent }> {
  checkWholeFiles(dataset, options.format)
  await checkMasks(dataset, options.format)
  const { content, unusable } = await readOnce(dataset, options)
  if (unusable.length === 0) return { dataset, content }
  // Read as trainers will read it: without an image, a folder can be no class any more.
  const rest = await withoutFiles(dataset, unusable)
  const [example] = content.losses.flatMap(({ reason, examples }) => (UNUSABLE.has(reason) ? examples : []))
  const again = await readOnce(rest, { ...options, strict: false, hasPixels: false }).catch((error: unknown) => {
    if (!(error instanceof DatasetError || error instanceof TrainyardError)) throw error
    throw new TrainyardError('unprocessable', `The dataset has no images that can be used: ${example}`, {
      cause: error,
    })
  })
  const losses = new LossCounter()
  losses.merge(content.losses)
  const names = new Set(again.content.classes.map((each) => each.name))
  for (const each of content.classes)
    if (!names.has(each.name)) losses.add('class-dropped', `"${each.name}" has no image that can be used`)
  return { dataset: rest, content: { ...again.content, losses: losses.list() } }
}

/** The dataset without some of its files, which are deleted. */
export async function withoutFiles(
  { dir, files }: UnpackedDataset,
  paths: readonly string[],
): Promise<UnpackedDataset> {
  const rest = new Map(files)
  for (const path of paths) {
    rest.delete(path)
    await rm(join(dir, path), { force: true })
    await removeEmptyFolders(dir, posix.dirname(path))
  }
  return { dir, files: rest }
}

/** An empty folder would still be a class. Trainers get no empty folders. */
async function removeEmptyFolders(dir: string, folder: string): Promise<void> {
  if (folder === '.') return
  const isRemoved = await rmdir(join(dir, folder)).then(
    () => true,
    () => false,
  )
  if (isRemoved) await removeEmptyFolders(dir, posix.dirname(folder))
}

async function readOnce(
  dataset: UnpackedDataset,
  { format, taskType, name, strict, hasPixels }: ReadContentOptions,
): Promise<{ content: DatasetContent; unusable: string[] }> {
  const omissions = new Omissions({ strict })
  const reader = await openDataset(dataset.dir, {
    format,
    task: taskType,
    name,
    onIssue: strict ? ({ path, detail, value }) => omissions.addIssue(path, detail, value) : undefined,
  })
  try {
    checkTask(reader.taskType, taskType)
    const annotationFiles = await listAnnotationFiles(dataset, reader, taskType)
    const images = await listImages(dataset, reader, { annotationFiles, omissions, name, hasPixels })
    const unlisted = await listUnlisted(dataset, new Set([...images.paths, ...annotationFiles]), {
      // Some readers count damaged images themselves, and do not list them.
      known: reader.losses?.count('image-unreadable') ?? 0,
      omissions,
      hasPixels,
    })
    omissions.merge(reader.losses?.list() ?? [])
    omissions.throwIfAny(`The ${format} dataset cannot be used`)
    if (images.listed.length === 0 && images.unusable.length === 0)
      throw new TrainyardError(
        'unprocessable',
        `The ${format} dataset has no images: ${omissions.example() ?? 'it needs at least one'}`,
      )
    return {
      content: {
        format: reader.format,
        taskType: reader.taskType,
        classes: reader.classes.map(({ id, name: className, color }) => ({ id, name: className, color })),
        images: [...images.listed, ...unlisted.listed],
        annotationFiles,
        annotations: images.annotations,
        losses: omissions.losses.list(),
      },
      unusable: [...images.unusable, ...unlisted.unusable],
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
  { dir, files }: UnpackedDataset,
  reader: DatasetReader,
  {
    annotationFiles,
    omissions,
    name,
    hasPixels,
  }: { annotationFiles: readonly string[]; omissions: Omissions; name: string; hasPixels: boolean },
): Promise<{ listed: DatasetImage[]; paths: ReadonlySet<string>; unusable: string[]; annotations: number }> {
  const { format, isAnnotationFile } = reader
  const listed: DatasetImage[] = []
  const unusable: string[] = []
  const seen = new Set<string>()
  const stems = new Set(ONE_FILE_AN_IMAGE.has(format) ? annotationFiles.map(baseStem) : [])
  const budget = new ObjectBudget()
  const turn = createTurns()
  let annotations = 0
  for await (const record of reader.images()) {
    await turn()
    const { path, field } = record
    if (!isSafeRelativePath(path)) {
      omissions.add('image-unsafe-path', 'image', 'must have a relative path that stays inside the dataset', path)
    } else if (!files.has(path)) {
      const detail = `must be the path of an image in ${name}; this one does not exist`
      if (field !== undefined) omissions.add('image-missing-file', `${field}.file_name`, detail, path)
      // COCO files list many images without objects that are not part of the download.
      else if (record.annotations.length > 0 || !omissions.strict)
        omissions.add('image-missing-file', path, `is listed, but does not exist in ${name}`)
    } else if (seen.has(path)) {
      omissions.add('image-duplicate', path, 'must be annotated once; it is annotated twice')
    } else {
      seen.add(path)
      const fault = hasPixels ? findImageFault({ ...record, file: join(dir, path) }) : undefined
      if (fault !== undefined) {
        unusable.push(path)
        omissions.addFault(path, fault)
        continue
      }
      annotations += record.annotations.length
      const isReviewed = format === 'coco' || isAnnotationFile !== undefined || stems.has(baseStem(path))
      listed.push({ ...toImage(record, { isReviewed }), size: sizeOfImage(record), objects: budget.take(record) })
    }
  }
  return { listed, paths: seen, unusable, annotations }
}

/** Lets other requests be answered between images. */
function createTurns(): () => Promise<void> {
  let count = 0
  let start = performance.now()
  return async () => {
    if (++count % YIELD_EVERY !== 0 && performance.now() - start < MAX_TURN_MS) return
    await setImmediate()
    start = performance.now()
  }
}

function toImage(record: ImageRecord, { isReviewed }: { isReviewed: boolean }): DatasetImage {
  const { path, split } = record
  const classIds = [...new Set(record.annotations.map(({ classId }) => classId))].sort((a, b) => a - b)
  // DICE marks images that were reviewed and are empty.
  const isEmpty = record.attributes?.is_background !== undefined
  return {
    path,
    split: split ?? hashSplit(path),
    splitGiven: split !== undefined,
    classIds,
    labelled: classIds.length > 0 || isEmpty || isReviewed,
  }
}

/** Images that no annotation file lists: kept without a label. */
async function listUnlisted(
  { dir, files }: UnpackedDataset,
  listed: ReadonlySet<string>,
  { known, omissions, hasPixels }: { known: number; omissions: Omissions; hasPixels: boolean },
): Promise<{ listed: DatasetImage[]; unusable: string[] }> {
  const images: DatasetImage[] = []
  const paths = [...files.keys()].filter((path) => !listed.has(path) && isImagePath(path))
  const unusable = hasPixels ? await findUnusable(dir, paths, omissions, known) : []
  const left = new Set(unusable)
  for (const path of paths)
    if (!left.has(path)) images.push({ path, split: hashSplit(path), splitGiven: false, classIds: [], labelled: false })
  return { listed: images, unusable }
}

/** Images without annotations that are damaged. They are counted, except for the first `known` unreadable ones. */
export async function findUnusable(
  dir: string,
  paths: readonly string[],
  omissions: Omissions,
  known = 0,
): Promise<string[]> {
  let uncounted = known
  const turn = createTurns()
  const unusable: string[] = []
  for (const path of paths) {
    await turn()
    const fault = findImageFault({ path, file: join(dir, path), width: 0, height: 0, annotations: [] })
    if (fault === undefined) continue
    unusable.push(path)
    if (fault.reason === 'image-unreadable' && uncounted-- > 0) continue
    omissions.addFault(path, fault)
  }
  return unusable
}

function baseStem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '')
}
