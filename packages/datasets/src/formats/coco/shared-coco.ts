import type { TaskType } from '@trainyard/contract'
import type { DatasetClassInfo, SharedHandle } from '../../record/record.ts'
import type { CocoIndex } from './index-coco-file.ts'

/** What a worker thread needs to read a part of a COCO dataset. The indexes are in shared memory. */
export interface SharedCoco extends SharedHandle {
  format: 'coco'
  /** Absolute. */
  root: string
  taskType: TaskType
  /** See `ReadOptions`. */
  outlines: boolean
  followLinks?: string | undefined
  classes: DatasetClassInfo[]
  files: { index: CocoIndex; classById: Map<string, number> }[]
}

export const isSharedCoco = (handle: SharedHandle): handle is SharedCoco => handle.format === 'coco'
