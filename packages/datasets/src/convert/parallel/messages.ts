import type { TargetFormat } from '@trainyard/contract'
import type { SharedDataset } from '../../record/record.ts'
import type { ReportParts } from '../../report/report.ts'
import type { WriteContext, WriteOptions } from '../../writing/dataset-writer.ts'

/** The data with which a worker of a conversion is started. */
export interface WorkerInput {
  handle: SharedDataset['handle']
  splits: SharedDataset['splits']
  to: TargetFormat
  target: string
  dataset: WriteContext['dataset']
  options: Omit<WriteOptions, 'signal'>
}

/** The images to convert: from `start` up to, but not including, `end`. */
export interface ImageRange {
  start: number
  end: number
}

export type FromWorker =
  | { type: 'ready' }
  | { type: 'done'; start: number; images: number; report: ReportParts }
  /** `isDataset`: the error is a `DatasetError`. */
  | { type: 'failed'; start: number; message: string; isDataset: boolean }
