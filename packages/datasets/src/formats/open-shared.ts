import type { DatasetReader, SharedHandle } from '../record/record.ts'
import type { LossCounter } from '../report/loss-counter.ts'
import { openSharedCoco } from './coco/open-shared-coco.ts'
import { isSharedCoco } from './coco/shared-coco.ts'

/** The images from `start` up to `end` of a dataset that another thread opened. Only COCO can be shared so far. */
export function openShared(
  handle: SharedHandle,
  losses: LossCounter,
  range: { start: number; end: number },
): DatasetReader {
  if (!isSharedCoco(handle)) throw new Error(`A ${handle.format} dataset cannot be shared between threads`)
  return openSharedCoco(handle, losses, range)
}
