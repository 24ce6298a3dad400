import type { ArtifactKind } from '@trainyard/contract'
import type {
  ArtifactOptions,
  CheckpointFile,
  CheckpointOptions,
  FetchedDataset,
  FetchOptions,
  UploadedArtifact,
} from '../job.ts'
import { currentSession } from './default-session.ts'

/**
 * Uploads a checkpoint, a file or a folder, and reports it. Resolves when the platform has stored it. `name` is "best", "last",
 * or any other name. Throws `CheckpointError` when it cannot be saved.
 */
export function uploadCheckpoint(name: string, file: string, options?: CheckpointOptions): Promise<UploadedArtifact> {
  return currentSession().checkpoint(name, file, options, 'uploadCheckpoint')
}

/** Downloads the job's checkpoint. Throws `CheckpointError` when there is none. */
export function downloadCheckpoint(): Promise<CheckpointFile> {
  const session = currentSession()
  return session.calls.track('downloadCheckpoint()', session.getCheckpoint())
}

/**
 * Downloads the job's dataset, once for each machine, verifies it and converts it. Throws `DatasetError` when it cannot be
 * used, `NetworkError` when it cannot be downloaded.
 */
export function downloadDataset(options: FetchOptions): Promise<FetchedDataset> {
  const session = currentSession()
  return session.calls.track('downloadDataset()', session.dataset.fetch(options))
}

/**
 * Uploads a file, or a folder as a tar. Resolves when the platform has stored it. Throws `ResourceError` when the file cannot be
 * read, `NetworkError` when it cannot be uploaded.
 */
export function uploadFile(kind: ArtifactKind, file: string, options?: ArtifactOptions): Promise<UploadedArtifact> {
  return currentSession().artifact(kind, file, options, 'uploadFile')
}
