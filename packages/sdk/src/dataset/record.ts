import type { DatasetClass, SplitName, TaskType } from '../contract/index.ts'

/** What one image shows, in absolute pixels. Readers make these of every format, writers make every format of these. */
export type Annotation =
  | { kind: 'class'; classId: number }
  | { kind: 'box'; classId: number; x: number; y: number; width: number; height: number }
  /** Something that this version does not understand; kept so that a report can count it. */
  | { kind: 'other'; classId: number }

/** One image of a dataset, whatever its format. */
export interface ImageRecord {
  /** Path of the file relative to the dataset's root, with `/` between its parts. */
  path: string
  /** In pixels; 0 where the format does not say and the file was not looked at. */
  width: number
  height: number
  /** Absent when the dataset leaves it to whoever reads it. */
  split: SplitName | undefined
  annotations: Annotation[]
}

/** A dataset as a stream of records. */
export interface DatasetReader {
  taskType: TaskType
  classes: DatasetClass[]
  images(): AsyncGenerator<ImageRecord>
}
