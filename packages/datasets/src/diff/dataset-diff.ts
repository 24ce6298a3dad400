import type { SplitName } from '@trainyard/contract'
import type { ImageRecord } from '../record/record.ts'

/** What changed on an image that both datasets have. Classes are names. */
export interface ImageChange {
  /** In the new dataset. */
  path: string
  added: { className: string }[]
  removed: { className: string }[]
  /** Objects whose geometry changed: the intersection over union of their boxes before and after. */
  moved: { className: string; iou: number }[]
  /** Objects whose class changed, other than by a class that got a new name. */
  reclassified: { from: string; to: string; iou: number }[]
}

/** The difference between two datasets. */
export interface DatasetDiff {
  classes: {
    added: string[]
    removed: string[]
    /** Classes with another name now, found by their objects; `objects` is the number of those objects. */
    renamed: { from: string; to: string; objects: number }[]
  }
  images: {
    /** In both datasets. */
    common: number
    added: string[]
    removed: string[]
    /** The same bytes under another path. */
    renamed: { from: string; to: string }[]
    /** Images whose split changed. Undefined is no split. */
    moved: { path: string; from: SplitName | undefined; to: SplitName | undefined }[]
    /** Images with other bytes under the same path. */
    repainted: string[]
  }
  /** Objects on the images that both have. */
  objects: { unchanged: number; added: number; removed: number; moved: number; reclassified: number }
  /** The images on which objects changed. */
  changes: ImageChange[]
}

/** An image that both datasets have. */
export type ImagePair = readonly [before: ImageRecord, after: ImageRecord]
