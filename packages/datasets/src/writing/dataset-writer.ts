import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetClassInfo, ImageRecord } from '../record/record.ts'
import type { ReportBuilder } from '../report/report.ts'

/** The choices that every writer sees, with their defaults filled in. */
export interface WriteOptions {
  /** The task to write for. Default: the source's. */
  task: TaskType
  /**
   * `copy` copies the pixels (as a reflink where the file system has them), `none` writes annotations only.
   * Never links: who writes to the result changes no one else's files. Default `copy`.
   */
  images: 'copy' | 'none'
  /** Objects of several polygons where the format holds one: joined by a seam, one row each, or the largest. Default `bridge`. */
  multiPart: 'bridge' | 'split' | 'largest'
  /** Crowd regions (`iscrowd: 1`). Default: `keep` for COCO and DICE, `skip` for the others. */
  crowd: 'skip' | 'keep'
  /** Pascal VOC with its devkit's 1-based inclusive corners. Default false: 0-based. */
  vocOneBased: boolean
  /** An object smaller than this after clipping is dropped, in square pixels. Default 1e-3. */
  minAreaPx: number
  /** Digits after the point in text formats. Default 6. */
  decimals: number
  signal: AbortSignal | undefined
}

/** What a writer is given. */
export interface WriteContext {
  /** An empty folder that is there; the engine renames it when the writer has finished. */
  target: string
  /** Head of the dataset: the classes are final before the first image. */
  dataset: {
    /** Of the source. */
    format?: DatasetFormat
    taskType: TaskType
    name?: string
    classes: DatasetClassInfo[]
    attributes?: Record<string, unknown>
  }
  report: ReportBuilder
  options: WriteOptions
}

/** `formats/<format>/write.ts` exports `create<Format>Writer(context)`. Images come one by one, in the source's order. */
export interface DatasetWriter {
  image(record: ImageRecord): void | Promise<void>
  finish(): Promise<void>
  /** Lets go of open files when the conversion failed; the folder is removed by the engine. */
  abort?(): void
}

export type CreateDatasetWriter = (context: WriteContext) => DatasetWriter | Promise<DatasetWriter>
