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
 * Uploads a file, or a folder as a tar, and tells the platform of it; resolves when the platform holds it. `name` is
 * "best", "last" or your own. Throws `CheckpointError` when the file cannot be read, `NetworkError` when the store
 * does not take it.
 */
export function uploadCheckpoint(name: string, file: string, options?: CheckpointOptions): Promise<UploadedArtifact> {
  return currentSession().checkpoint(name, file, options)
}

/** The checkpoint that the job was given. Throws `CheckpointError` when there is none. */
export function downloadCheckpoint(): Promise<CheckpointFile> {
  return currentSession().getCheckpoint()
}

/**
 * Downloads the job's dataset once a machine, verifies it and converts it. Throws `DatasetError` when it cannot be
 * used, `NetworkError` when it cannot be fetched.
 */
export function downloadDataset(options: FetchOptions): Promise<FetchedDataset> {
  return currentSession().fetchDataset(options)
}

/**
 * Uploads a file, or a folder as a tar; resolves when the platform holds it. Throws `NetworkError` when the store does
 * not take it.
 */
export function uploadFile(kind: ArtifactKind, file: string, options?: ArtifactOptions): Promise<UploadedArtifact> {
  return currentSession().artifact(kind, file, options)
}
