import type { Sample, SampleIndex } from '@trainyard/sdk'
import { DatasetError } from '@trainyard/sdk'

export interface SplitSamples {
  train: Sample[]
  val: Sample[]
  test: Sample[]
  /** Source of `val` when the dataset lacks that split: part of `train`, or all of it when it is too small. */
  valFrom: 'val' | 'part-of-train' | 'train'
  /** Images without a class, which were left out. */
  unlabelled: number
}

/** One image in this many is held out of `train` when the dataset has no validation split. */
const HOLD_OUT = 10
const SMALLEST_TO_HOLD_OUT = 20

/** Sorts the labelled images by split and makes sure that there is something to train and validate on. */
export function splitSamples(index: SampleIndex): SplitSamples {
  const labelled = index.samples.filter((sample) => sample.classId >= 0)
  const of = (split: Sample['split']): Sample[] => labelled.filter((sample) => sample.split === split)
  const train = of('train')
  const val = of('val')
  const test = of('test')
  const unlabelled = index.samples.length - labelled.length
  if (train.length === 0) {
    throw new DatasetError(
      `The dataset has no labelled training image (${index.samples.length} images, ${unlabelled} without a class, ` +
        `${val.length} for validation, ${test.length} for testing)`,
    )
  }
  if (val.length > 0) return { train, val, test, valFrom: 'val', unlabelled }
  if (train.length < SMALLEST_TO_HOLD_OUT) return { train, val: train, test, valFrom: 'train', unlabelled }
  return {
    train: train.filter((_, i) => i % HOLD_OUT !== 0),
    val: train.filter((_, i) => i % HOLD_OUT === 0),
    test,
    valFrom: 'part-of-train',
    unlabelled,
  }
}
