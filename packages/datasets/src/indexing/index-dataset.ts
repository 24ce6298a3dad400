import { setImmediate } from 'node:timers/promises'
import type { DatasetClass, DatasetCounts, DatasetFormat, SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findImageFault } from '../faults/find-image-fault.ts'
import { datasetPath } from '../files/dataset-path.ts'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { type Loss, LossCounter } from '../report/loss-counter.ts'
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
  /** What was left out or changed, by reason. Undefined in indexes of older versions. */
  losses?: Loss[] | undefined
}

/** Options of {@link indexDataset}. */
export interface IndexDatasetOptions {
  /** Splits by path, instead of those of the dataset. */
  splits?: ReadonlyMap<string, SplitName> | undefined
  /** Images that do not exist are not counted as losses: the platform hands out labelled files only. Default false. */
  skipMissing?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * Reads a dataset, the header and the end of each image, and counts. Images that are missing, damaged, or of another size
 * than their annotations are left out and counted. Throws `DatasetError` when no image is left.
 */
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
  const losses = new LossCounter()
  for (const [number, { record, path, at }] of checks.entries()) {
    // Heartbeats and cancellation must get through while a million headers are read.
    if (number % 200 === 199) await setImmediate()
    signal?.throwIfAborted()
    const fault = findImageFault({ ...record, file: path })
    if (fault !== undefined) {
      if (fault.reason !== 'image-missing-file' || !skipMissing) losses.add(fault.reason, fault.text)
      samples[at] = undefined
      continue
    }
    const sample = samples[at]
    if (sample === undefined) continue
    counts.images++
    counts.splits[sample.split]++
    counts.annotations += record.annotations.length
    if (record.annotations.length > 0) counts.labelled++
  }
  const present = samples.filter((sample) => sample !== undefined)
  if (present.length === 0) {
    const [example] = losses.list().flatMap(({ examples }) => examples)
    throw new DatasetError(
      `The dataset has no images that can be used${example === undefined ? ': none of the files that it lists exists' : `: ${example}`}`,
      { reason: 'no-images' },
    )
  }
  losses.merge(reader.losses?.list() ?? [])
  return {
    taskType: reader.taskType,
    format: reader.format,
    hasOwnSplits,
    hasOtherSplits,
    classes: reader.classes.map(({ id, name, color }) => ({ id, name, color: color || undefined })),
    counts,
    samples: present,
    losses: losses.list(),
  }
}
