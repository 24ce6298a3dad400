import type { ArtifactKind } from '../contract/index.ts'
import type {
  ArtifactOptions,
  CheckpointFile,
  CheckpointOptions,
  FetchedDataset,
  FetchOptions,
  UploadedArtifact,
} from '../job.ts'
import { currentSession } from './default-session.ts'

export function uploadCheckpoint(name: string, file: string, options?: CheckpointOptions): Promise<UploadedArtifact> {
  return currentSession().checkpoint(name, file, options)
}

/** The checkpoint that the job was given. Throws `CheckpointError` when there is none. */
export function downloadCheckpoint(): Promise<CheckpointFile> {
  return currentSession().getCheckpoint()
}

export function downloadDataset(options: FetchOptions): Promise<FetchedDataset> {
  return currentSession().fetchDataset(options)
}

export function uploadFile(kind: ArtifactKind, file: string, options?: ArtifactOptions): Promise<UploadedArtifact> {
  return currentSession().artifact(kind, file, options)
}
