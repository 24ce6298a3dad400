import type { DatasetFormat } from '@trainyard/contract'
import type { SharedDataset } from '../../record/record.ts'
import type { ReportParts } from '../../report/report.ts'
import type { WriteContext, WriteOptions } from '../../writing/dataset-writer.ts'

/** What a worker of a conversion is started with. */
export interface WorkerInput {
  handle: SharedDataset['handle']
  splits: SharedDataset['splits']
  to: DatasetFormat
  target: string
  dataset: WriteContext['dataset']
  options: Omit<WriteOptions, 'signal'>
}

/** Images from one place up to another, to be read and written. */
export interface ImageRange {
  start: number
  end: number
}

export type FromWorker =
  | { type: 'ready' }
  | { type: 'done'; start: number; images: number; report: ReportParts }
  /** `isDataset`: a `DatasetError`, which says what is wrong with the data. */
  | { type: 'failed'; start: number; message: string; isDataset: boolean }
