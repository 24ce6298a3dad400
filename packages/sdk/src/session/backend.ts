import type { ArtifactKind, TargetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex, Loss } from '@trainyard/datasets'
import type { CacheEntry } from '@trainyard/datasets/cache'
import type { ArtifactOptions, CheckpointFile, PredictImage, UploadedArtifact } from '../job.ts'
import type { CloseReport } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'

/** The dataset as it was stored, and its index. */
export interface OpenedDataset {
  /** May be shared with other jobs and read-only. */
  dir: string
  index: DatasetIndex
  /**
   * Opens a conversion that jobs share, read-only; `convert` creates it when it does not exist. Returns undefined when
   * conversions cannot be shared: then each job makes its own.
   */
  shareConversion?:
    | ((
        choices: { format: TargetFormat; taskType: TaskType },
        convert: (target: string) => Promise<readonly Loss[]>,
      ) => Promise<Pick<CacheEntry, 'dir' | 'conversion'> | undefined>)
    | undefined
}

/** Called with the number of files that are downloaded, and of all files. */
export type FetchProgress = (files: number, totalFiles: number) => void

/** Pictures that people sent. */
export interface NextImages {
  images: PredictImage[]
  /** The next `after`. */
  cursor: string
  /** No more will come. */
  done: boolean
}

/** Receives a job's events and artifacts and provides its inputs: a platform, or local folders. */
export interface Backend {
  readonly isLocal: boolean
  /** Whether an earlier process of this attempt has already sent `started`. */
  readonly isResumed: boolean
  /** Synchronous and cheap; never throws. */
  append(event: NewEvent): void
  upload(kind: ArtifactKind, file: string, options: ArtifactOptions): Promise<UploadedArtifact>
  openDataset(signal: AbortSignal, onProgress?: FetchProgress): Promise<OpenedDataset>
  /** Undefined when the job has no checkpoint. */
  findCheckpoint(signal: AbortSignal): Promise<CheckpointFile | undefined>
  /** Images to predict that are not in a dataset; undefined when the job predicts its dataset. */
  listImages(signal: AbortSignal): Promise<PredictImage[] | undefined>
  /** The pictures that people sent after `after`; waits for the first one. Undefined when none are sent to this job. */
  nextImages(after: string, signal: AbortSignal): Promise<NextImages | undefined>
  /** Removes secrets, such as the current token. */
  redact(text: string): string
  flush(options: { timeoutMs: number }): Promise<boolean>
  /** Synchronous: everything appended so far survives the end of the process. Never throws. */
  flushToDisk(): void
  close(options: { timeoutMs: number }): Promise<CloseReport>
}
