import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetClassInfo, ImageRecord } from '../record/record.ts'
import type { ReportBuilder } from '../report/report.ts'

/** The options of every writer, with their defaults. */
export interface WriteOptions {
  /** The task to write for. Default: the task of the source. */
  task: TaskType
  /**
   * `copy` copies the images (as reflinks where the file system supports them), `none` writes annotations only. Images are
   * never linked, so that changing the result does not change the source. Default `copy`.
   */
  images: 'copy' | 'none'
  /**
   * Objects with several polygons, in formats that hold one: join them by a seam, write a row for each, or keep the largest.
   * Default `bridge`.
   */
  multiPart: 'bridge' | 'split' | 'largest'
  /** Crowd regions (`iscrowd: 1`). Default: `keep` for COCO and DICE, `skip` for the others. */
  crowd: 'skip' | 'keep'
  /** Objects that the source marks as `difficult` (Pascal VOC, DOTA) or `ignore`. Default `keep`: as any other object. */
  ignored: 'skip' | 'keep'
  /** Corners of Pascal VOC are 1-based and inclusive, as in the devkit. Default false: 0-based. */
  vocOneBased: boolean
  /** Objects with a smaller area after clipping are dropped, in square pixels. Default 1e-3. */
  minAreaPx: number
  /** Digits after the point in text formats. Default 6. */
  decimals: number
  signal: AbortSignal | undefined
}

/** What a writer works with. */
export interface WriteContext {
  /** An empty folder. The caller renames it when the writer has finished. */
  target: string
  /** The dataset without its images. The classes are final before the first image. */
  dataset: {
    /** The format of the source. */
    format?: DatasetFormat | undefined
    taskType: TaskType
    name?: string | undefined
    classes: DatasetClassInfo[]
    attributes?: Record<string, unknown> | undefined
  }
  report: ReportBuilder
  options: WriteOptions
}

/** The writer of a format, in `formats/<format>/write.ts`. It gets the images one by one, in the order of the source. */
export interface DatasetWriter {
  image(record: ImageRecord): void | Promise<void>
  finish(): Promise<void>
  /** Closes open files after a failure. The caller removes the folder. */
  abort?(): void
}

export type CreateDatasetWriter = (context: WriteContext) => DatasetWriter | Promise<DatasetWriter>
