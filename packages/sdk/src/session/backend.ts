import type { ArtifactKind, DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex, Loss } from '@trainyard/datasets'
import type { CacheEntry } from '@trainyard/datasets/cache'
import type { ArtifactOptions, CheckpointFile, PredictImage, UploadedArtifact } from '../job.ts'
import type { CloseReport } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'

/** The raw dataset and what is in it. */
export interface OpenedDataset {
  /** May be shared and read-only. */
  dir: string
  index: DatasetIndex
  /**
   * A conversion that is shared and read-only, made by `convert` when there is none and nobody else makes it. Undefined
   * where nothing can be shared: then each job makes its own.
   */
  shareConversion?(
    choices: { format: DatasetFormat; taskType: TaskType },
    convert: (target: string) => Promise<readonly Loss[]>,
  ): Promise<Pick<CacheEntry, 'dir' | 'conversion'> | undefined>
}

/** Where a job's events and bytes go, and where its inputs come from: a platform, or folders of this machine. */
export interface Backend {
  readonly isLocal: boolean
  /** Whether an earlier process has begun this attempt: it has said `started`. */
  readonly isResumed: boolean
  /** Synchronous, cheap, never throws. */
  append(event: NewEvent): void
  upload(kind: ArtifactKind, file: string, options: ArtifactOptions): Promise<UploadedArtifact>
  openDataset(signal: AbortSignal, onProgress?: (files: number, totalFiles: number) => void): Promise<OpenedDataset>
  /** Undefined when the job was given none. */
  findCheckpoint(signal: AbortSignal): Promise<CheckpointFile | undefined>
  /** Images to predict that are not a dataset; undefined when the dataset's are meant. */
  listImages(): Promise<PredictImage[] | undefined>
  /** Hides what must not be seen, such as the token in use. */
  redact(text: string): string
  flush(options: { timeoutMs: number }): Promise<boolean>
  close(options: { timeoutMs: number }): Promise<CloseReport>
}
