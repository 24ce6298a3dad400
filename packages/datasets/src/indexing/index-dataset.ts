import { setImmediate } from 'node:timers/promises'
import type { DatasetClass, DatasetCounts, DatasetFormat, SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { datasetPath } from '../files/dataset-path.ts'
import { type ImageSize, readImageSize } from '../images/image-header.ts'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { hashSplit } from '../splits/hash-split.ts'

/** One image with its class. */
export interface IndexedSample {
  /** Absolute path. */
  path: string
  /** Path in the dataset. */
  name: string
  /** -1 when the image has no class, or more than one. */
  classId: number
  split: SplitName
}

/** A whole dataset in memory, without pixels. */
export interface DatasetIndex {
  taskType: TaskType
  /** The format of the files. Undefined in indexes of older versions. */
  format?: DatasetFormat | undefined
  /** Whether every image has the split that the files give it. */
  hasOwnSplits?: boolean | undefined
  /** Whether an image has another split than the files give it. */
  hasOtherSplits?: boolean | undefined
  classes: DatasetClass[]
  counts: DatasetCounts
  samples: IndexedSample[]
}

/** Options of {@link indexDataset}. */
export interface IndexDatasetOptions {
  /** Splits by path, instead of those of the dataset. */
  splits?: ReadonlyMap<string, SplitName> | undefined
  /** Skip images whose file does not exist: the platform hands out labelled files only. Default false: an error. */
  skipMissing?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** Reads a dataset and the header of each image, and counts. Throws `DatasetError` at the first damaged file. */
export async function indexDataset(
  dir: string,
  reader: DatasetReader,
  { splits, skipMissing = false, signal }: IndexDatasetOptions = {},
): Promise<DatasetIndex> {
  const samples: (IndexedSample | undefined)[] = []
  const counts: DatasetCounts = { images: 0, labelled: 0, annotations: 0, splits: { train: 0, val: 0, test: 0 } }
  let hasOwnSplits = true
  let hasOtherSplits = false
  const checks: { record: ImageRecord; path: string; at: number }[] = []
  for await (const record of reader.images()) {
    const path = record.file ?? datasetPath(dir, record.path, 'The path of an image')
    const [first, ...others] = record.annotations
    const isOneClass = first !== undefined && others.every((other) => other.classId === first.classId)
    const split = splits?.get(record.path) ?? record.split ?? hashSplit(record.path)
    hasOwnSplits &&= split === record.split
    hasOtherSplits ||= record.split !== undefined && split !== record.split
    checks.push({ record, path, at: samples.length })
    samples.push({ path, name: record.path, classId: isOneClass ? first.classId : -1, split })
  }
  for (const [number, { record, path, at }] of checks.entries()) {
    // Heartbeats and cancellation must get through while a million headers are read.
    if (number % 200 === 199) await setImmediate()
    signal?.throwIfAborted()
    const seen = findImageSize(path, record.path)
    if (seen === undefined) {
      if (!skipMissing)
        throw new DatasetError(`Image "${record.path}" is listed in the dataset, but the file does not exist`, {
          reason: 'missing-image',
        })
      samples[at] = undefined
      continue
    }
    checkDeclaredSize(record, seen)
    const sample = samples[at]
    if (sample === undefined) continue
    counts.images++
    counts.splits[sample.split]++
    counts.annotations += record.annotations.length
    if (record.annotations.length > 0) counts.labelled++
  }
  const present = samples.filter((sample) => sample !== undefined)
  if (present.length === 0)
    throw new DatasetError('The dataset has no images: none of the files that it lists exists', { reason: 'no-images' })
  return {
    taskType: reader.taskType,
    format: reader.format,
    hasOwnSplits,
    hasOtherSplits,
    classes: reader.classes.map(({ id, name, color }) => ({ id, name, color: color || undefined })),
    counts,
    samples: present,
  }
}

function findImageSize(path: string, name: string): ImageSize | undefined {
  try {
    return readImageSize(path, name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Coordinates are only valid for the size on which they were drawn: the image as shown, after EXIF rotation. */
function checkDeclaredSize(record: ImageRecord, seen: ImageSize): void {
  const { width, height, annotations, path } = record
  if (width === 0 || height === 0 || seen.width === 0 || annotations.every(({ kind }) => kind === 'class')) return
  if (seen.width === width && seen.height === height) return
  const turned = seen.orientation === undefined ? '' : ` (rotated by its EXIF orientation ${seen.orientation})`
  throw new DatasetError(
    `Image "${path}" is ${seen.width} × ${seen.height} pixels${turned}, but the dataset says ${width} × ${height}`,
    { reason: 'size-mismatch' },
  )
}
