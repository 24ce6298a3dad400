import type { Job, JobAttempt } from '@trainyard/contract'
import type { PageArtifact } from './job-artifacts.tsx'

/** Where each checkpoint comes from: what a person needs to repeat it, in one document. */
export interface Lineage {
  job: { id: number; name?: string | undefined; operation: string; model: string; taskType: string; createdAt: string }
  trainer: { name: string; version: string; digest: string; framework: string }
  dataset?: Job['dataset']
  /** Id of the checkpoint that the job started from, predicted with or exported. */
  startedFrom?: string | undefined
  config: Job['config']
  attempts: {
    attempt: number
    createdAt: string
    finishedAt?: string | undefined
    endReason?: string | undefined
    files: { id: string; kind: string; name: string; sha256: string; sizeBytes: number; epoch?: number | undefined }[]
  }[]
}

/** Attempts oldest first, each with the files that it completed. */
export function lineageOf(job: Job, attempts: readonly JobAttempt[], artifacts: readonly PageArtifact[]): Lineage {
  const { id, name, operation, model, taskType, createdAt, trainer, dataset, config } = job
  return {
    job: { id, name, operation, model, taskType, createdAt },
    trainer: {
      name: trainer.name,
      version: trainer.version,
      digest: trainer.digest,
      framework: trainer.framework,
    },
    dataset,
    startedFrom: job.checkpoint,
    config,
    attempts: attempts.toReversed().map((one) => ({
      attempt: one.attempt,
      createdAt: one.createdAt,
      finishedAt: one.finishedAt,
      endReason: one.endReason,
      files: artifacts
        .filter(({ attempt }) => attempt === one.attempt)
        .map((file) => ({
          id: file.id,
          kind: file.kind,
          name: file.name,
          sha256: file.sha256,
          sizeBytes: file.sizeBytes,
          epoch: file.epoch,
        })),
    })),
  }
}
