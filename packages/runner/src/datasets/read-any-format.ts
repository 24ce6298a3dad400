import { join } from 'node:path'
import { type DatasetFormat, isSafeRelativePath, type TaskType } from '@trainyard/contract'
import { type DatasetReader, detectFormat, openDataset } from '@trainyard/datasets'
import { TrainyardError } from '@trainyard/platform'
import { type DatasetContent, type DatasetImage, isImagePath, type UnpackedDataset } from './dataset-content.ts'
import { hashSplit } from './hash-split.ts'
import { createIssueList } from './issue-list.ts'

/** Files besides images that a format is made of: they are the annotations. */
const ANNOTATION_FILES: Readonly<Record<DatasetFormat, RegExp>> = {
  dice: /\.json$/i,
  coco: /\.json$/i,
  yolo: /(\.(txt|ya?ml|names|data)|(^|\/)_darknet\.labels)$/i,
  voc: /\.(xml|txt)$/i,
  labelme: /\.(json|txt)$/i,
  imagefolder: /^$/,
}
/** Where Pascal VOC keeps its masks: images about images. */
export const MASK_FOLDERS = /(^|\/)Segmentation(Class|Object)\//
/** A file of its own says of an image that somebody looked at it, also when there is nothing in it. */
const ONE_FILE_AN_IMAGE: ReadonlySet<DatasetFormat> = new Set(['yolo', 'voc', 'labelme'])

export interface ReadFormatOptions {
  /** Where two formats are as likely, or none is. */
  format?: DatasetFormat | undefined
  /** Where the format cannot tell: YOLO's turned boxes look like outlines. */
  taskType?: TaskType | undefined
  /** What the folder is called in messages. */
  name: string
}

/** The format that the files speak of; undefined for none. Throws `unprocessable` when it is more than one. */
export async function findFormat(dataset: UnpackedDataset, name: string): Promise<DatasetFormat | undefined> {
  return await explained(dataset, name, async () => {
    try {
      return (await detectFormat(dataset.dir)).format
    } catch (error) {
      if (error instanceof Error && error.message.includes(' is unknown: nothing in it speaks of')) return undefined
      throw error
    }
  })
}

/** Reads a dataset with the SDK's readers, to its end, and says which images there are and what is known of them. */
export async function readAnyFormat(dataset: UnpackedDataset, options: ReadFormatOptions): Promise<DatasetContent> {
  const { format, taskType, name } = options
  return await explained(dataset, name, async () => {
    const reader = await openDataset(dataset.dir, {
      ...(format === undefined ? {} : { format }),
      ...(taskType === undefined ? {} : { task: taskType }),
    })
    try {
      return await readContent(dataset, reader, name)
    } finally {
      await reader.close?.()
    }
  })
}

async function readContent(dataset: UnpackedDataset, reader: DatasetReader, name: string): Promise<DatasetContent> {
  const issues = createIssueList()
  const images: DatasetImage[] = []
  const seen = new Set<string>()
  let annotations = 0
  const { format } = reader
  const annotationFiles = [...dataset.files.keys()].filter((path) => ANNOTATION_FILES[format].test(path))
  const stems = new Set(ONE_FILE_AN_IMAGE.has(format) ? annotationFiles.map(baseStem) : [])
  for await (const record of reader.images()) {
    const { path } = record
    if (!isSafeRelativePath(path)) {
      issues.add('image', 'must have a relative path that stays inside the dataset', path)
      continue
    }
    if (!dataset.files.has(path)) {
      // An image that nobody labelled is not missed; COCO lists name many that were never downloaded.
      if (record.annotations.length > 0) issues.add(path, `is annotated, but there is no such image in ${name}`)
      continue
    }
    if (seen.has(path)) {
      issues.add(path, 'must be annotated once: it is twice')
      continue
    }
    seen.add(path)
    annotations += record.annotations.length
    const classIds = [...new Set(record.annotations.map(({ classId }) => classId))].sort((a, b) => a - b)
    images.push({
      path,
      split: record.split ?? hashSplit(path),
      splitGiven: record.split !== undefined,
      classIds,
      labelled: classIds.length > 0 || format === 'coco' || stems.has(baseStem(path)),
    })
  }
  issues.throwIfAny(`The ${format} dataset is not usable`)
  if (images.length === 0)
    throw new TrainyardError('unprocessable', `The ${format} dataset has no images: it needs at least one`)
  for (const path of dataset.files.keys())
    if (isImagePath(path) && !seen.has(path) && !MASK_FOLDERS.test(path))
      images.push({ path, split: hashSplit(path), splitGiven: false, classIds: [], labelled: false })
  return {
    format,
    taskType: reader.taskType,
    classes: reader.classes.map(({ id, name: className, color }) => ({
      id,
      name: className,
      ...(color ? { color } : {}),
    })),
    images,
    annotationFiles,
    annotations,
  }
}

function baseStem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '')
}

/** The readers' errors in the words of a problem: no folder of this machine is named. */
async function explained<T>(dataset: UnpackedDataset, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DatasetError') throw error
    const said = error.message
      .replaceAll(`"${join(dataset.dir, '/')}`, '"')
      .replaceAll(join(dataset.dir, '/'), '')
      .replaceAll(`"${dataset.dir}"`, name)
      .replaceAll(dataset.dir, name)
      .replace('say which one with "from"', 'say which one with the query parameter "format"')
    throw new TrainyardError('unprocessable', said, { cause: error })
  }
}
