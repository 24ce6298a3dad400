import type { TrainerManifest } from '@trainyard/contract'
import type { ExportJob, ExportOutcome, PredictJob, PredictOutcome, TrainJob, TrainOutcome } from './job.ts'

/** A trainer: a handler for each operation that it can do. */
export interface TrainerDefinition {
  /**
   * The manifest: its path, or itself. Default: `trainer.json` in the folder of the program that runs, or in one of the
   * three folders above.
   */
  manifest?: string | URL | TrainerManifest
  /** Whether a NaN loss is an accepted outcome. Default false: it fails the job with `ValidationError`. */
  allowNaN?: boolean
  /** Trains. Throw a `TrainerError` to say what went wrong; check `job.signal` between steps. */
  train?(job: TrainJob): Promise<TrainOutcome | undefined>
  /** Looks at images with a checkpoint and reports what it finds. */
  predict?(job: PredictJob): Promise<PredictOutcome | undefined>
  /** Writes a checkpoint in another format and uploads it with `job.artifact('export', …)`. */
  export?(job: ExportJob): Promise<ExportOutcome | undefined>
}

/**
 * Names a trainer's handlers, one for each operation that it can do. Returning means done, throwing means failed; an
 * error thrown because `job.signal` aborted means cancelled. Give the result to {@link runTrainer}.
 */
export function defineTrainer(definition: TrainerDefinition): TrainerDefinition {
  return definition
}
