import { join } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { countSkipped } from '../../files/count-skipped.ts'
import { type FileListing, IMAGE_NAME } from '../../files/list-files.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { sortNames, toClasses } from '../../record/classes.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter, type LossReason } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { countOthers } from '../count-others.ts'
import { findMistake, withValidRings } from './check-object.ts'
import { ImageNames } from './image-names.ts'
import type { NamedImage, NamedObject } from './named-image.ts'

/** A dataset whose tool names the classes of objects, and lists images or not. */
export interface NamedDataset {
  format: DatasetFormat
  dir: string
  listing: FileListing
  /** Every image, from the first on at each call. What cannot be read is counted. */
  images(losses: LossCounter): AsyncGenerator<NamedImage>
  /** Whether a file is a part of the annotations. Other files than these and images are counted as ignored. */
  isOwn(path: string): boolean
  /** The classes, where the tool lists them. Default: the labels of the objects in order. */
  classes?: readonly Omit<DatasetClassInfo, 'id'>[] | undefined
  /** Default: by the geometry of the objects. */
  taskType?: TaskType | undefined
}

/**
 * A reader of a dataset whose classes are names. The first pass finds classes and task, the second yields the records, so
 * that memory does not grow where `images` reads one file for each image.
 */
export async function readNamed(dataset: NamedDataset, { task, signal, name }: ReadOptions): Promise<DatasetReader> {
  const { format, dir } = dataset
  const labels = new Set<string>()
  const kinds = new Set<Annotation['kind']>()
  const scratch = new LossCounter()
  let count = 0
  for await (const image of dataset.images(scratch)) {
    signal?.throwIfAborted()
    count++
    // Nothing is left to find.
    if (dataset.classes !== undefined && (task ?? dataset.taskType) !== undefined) break
    for (const { label, kind } of image.objects) {
      if (label.trim() !== '') labels.add(label)
      kinds.add(kind)
    }
  }
  if (count === 0) {
    const broken = scratch.list().find(({ reason }) => reason === 'label-file-invalid')
    throw new DatasetError(broken?.examples[0] ?? `No annotations of the format ${format} in ${name ?? `"${dir}"`}`, {
      reason: broken === undefined ? 'no-annotations' : 'unreadable',
    })
  }
  const classes = dataset.classes?.map((info, id) => ({ id, ...info })) ?? toClasses(sortNames(labels))
  const losses = new LossCounter()
  const taskType = task ?? dataset.taskType ?? guessTask(kinds)
  return {
    format,
    taskType,
    classes,
    losses,
    images: () => new NamedReader(dataset, classes, losses).read(signal),
    isAnnotationFile: dataset.isOwn,
  }
}

function guessTask(kinds: ReadonlySet<Annotation['kind']>): TaskType {
  if (kinds.has('keypoints')) return 'pose'
  if (kinds.has('polygon') || kinds.has('mask')) return 'segmentation'
  if (kinds.has('obb')) return 'obb'
  return kinds.has('class') && !kinds.has('box') ? 'classification' : 'detection'
}

class NamedReader {
  readonly #dataset: NamedDataset
  readonly #classIds: ReadonlyMap<string, number>
  readonly #losses: LossCounter
  readonly #images: readonly string[]
  readonly #names: ImageNames

  constructor(dataset: NamedDataset, classes: readonly DatasetClassInfo[], losses: LossCounter) {
    this.#dataset = dataset
    this.#classIds = new Map(classes.map(({ id, name }) => [name, id]))
    this.#losses = losses
    this.#images = dataset.listing.files.filter((path) => IMAGE_NAME.test(path) && !dataset.isOwn(path))
    this.#names = new ImageNames(this.#images)
  }

  async *read(signal: AbortSignal | undefined): AsyncGenerator<ImageRecord> {
    const { listing } = this.#dataset
    countSkipped(listing, this.#losses)
    const seen = new Set<string>()
    for await (const image of this.#dataset.images(this.#losses)) {
      signal?.throwIfAborted()
      const record = this.#toRecord(image)
      if (record === undefined) continue
      if (seen.has(record.path)) this.#losses.add('image-duplicate', `${image.from} describes ${record.path} again`)
      else yield record
      seen.add(record.path)
    }
    const { dir, isOwn } = this.#dataset
    countOthers({ dir, files: listing.files, isOwn, isRead: (path) => seen.has(path), losses: this.#losses })
  }

  #toRecord(image: NamedImage): ImageRecord | undefined {
    const { dir } = this.#dataset
    const { name, from, folder, split: given, width, height, attributes } = image
    const found = this.#names.find(name, { folder, split: given })
    const portable = toPortablePath(name, folder) ?? toPortablePath(name)
    if (found === undefined && portable === undefined)
      this.#losses.add('image-unsafe-path', `${from} names ${JSON.stringify(name)}`)
    if (found?.isGuessed) this.#losses.add('image-path-guessed', `${JSON.stringify(name)} in ${from} is ${found.path}`)
    const path = found?.path ?? portable ?? name.split(/[\\/]/).findLast((part) => toPortablePath(part) !== undefined)
    if (path === undefined) return undefined
    const split = given ?? splitOf(path) ?? splitOf(from)
    const file = found && join(dir, path)
    const record: ImageRecord = { path, file, width, height, split, annotations: [], attributes }
    const size = image.isNormalised ? findRecordSize(record) : { width: 1, height: 1 }
    if (size === undefined) {
      this.#losses.add('image-size-unknown', `${path}: left out, because its objects are shares of its sides`)
      return undefined
    }
    record.annotations = image.objects.flatMap((object) => this.#toAnnotation(scale(object, size), from) ?? [])
    return record
  }

  #toAnnotation(given: NamedObject, from: string): Annotation | undefined {
    const lose = (reason: LossReason, what: string) => this.#losses.add(reason, `${from}: ${what}`)
    const { label, ...annotation } = withValidRings(given, lose)
    const classId = this.#classIds.get(label)
    if (classId === undefined) {
      lose(
        'annotation-of-unknown-class',
        label.trim() === '' ? 'an object without a label' : `${JSON.stringify(label)} is not in the class list`,
      )
      return undefined
    }
    const mistake = findMistake({ label, ...annotation })
    if (mistake !== undefined) lose(...mistake)
    return mistake === undefined ? { classId, ...annotation } : undefined
  }
}

/** The split that a folder of the path names, the outermost one first. */
function splitOf(path: string): ImageRecord['split'] {
  for (const part of path.split('/').slice(0, -1)) {
    const split = findSplitOfFolder(part)
    if (split !== undefined) return split
  }
  return undefined
}

function scale(object: NamedObject, { width, height }: { width: number; height: number }): NamedObject {
  if (object.bbox === undefined || (width === 1 && height === 1)) return object
  const [x, y, w, h] = object.bbox
  return { ...object, bbox: [x * width, y * height, w * width, h * height] }
}
