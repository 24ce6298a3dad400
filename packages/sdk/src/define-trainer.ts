import type { TrainerManifest } from './contract/index.ts'
import type { ExportJob, ExportOutcome, PredictJob, PredictOutcome, TrainJob, TrainOutcome } from './job.ts'

export interface TrainerDefinition {
  /**
   * The manifest: its path, or itself. Default: `trainer.json` in the folder of the program that runs, or in one of the
   * three folders above.
   */
  manifest?: string | URL | TrainerManifest
  /** Whether a NaN loss is an accepted outcome. Default false: it fails the job with `ValidationError`. */
  allowNaN?: boolean
  train?(job: TrainJob): Promise<TrainOutcome | undefined>
  predict?(job: PredictJob): Promise<PredictOutcome | undefined>
  export?(job: ExportJob): Promise<ExportOutcome | undefined>
}

/**
 * Names a trainer's handlers, one for each operation that it can do. Returning means done, throwing means failed; an
 * error thrown because `job.signal` aborted means cancelled. Give the result to {@link runTrainer}.
 */
export function defineTrainer(definition: TrainerDefinition): TrainerDefinition {
  return definition
}
