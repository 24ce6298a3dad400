import type { TrainerManifest } from '@trainyard/contract'
import type { ExportJob, ExportOutcome, PredictJob, PredictOutcome, TrainJob, TrainOutcome } from './job.ts'

/** A handler returns its result, or nothing. */
type Handler<J, T> = ((job: J) => Promise<T | undefined>) | ((job: J) => Promise<void>)

/** A trainer: a handler for each operation that it supports. */
export interface TrainerDefinition {
  /**
   * The manifest, or its path. Default: `trainer.json` in the folder of the running program or in one of its three parent
   * folders.
   */
  manifest?: string | URL | TrainerManifest | undefined
  /** Accepts a loss that is NaN or infinite. Default false: it fails the job with `ValidationError`. */
  allowNaN?: boolean | undefined
  /** Trains a model. Throw a `TrainerError` to name the cause of a failure; check `job.signal` between steps. */
  train?: Handler<TrainJob, TrainOutcome> | undefined
  /** Predicts images with a checkpoint and reports the objects that it finds. */
  predict?: Handler<PredictJob, PredictOutcome> | undefined
  /** Converts a checkpoint to another format and uploads it with `job.artifact('export', …)`. */
  export?: Handler<ExportJob, ExportOutcome> | undefined
}

/**
 * Defines a trainer. A handler that returns has completed, one that throws has failed; an error that is thrown because
 * `job.signal` aborted means cancelled. Pass the result to {@link runTrainer}.
 */
export function defineTrainer(definition: TrainerDefinition): TrainerDefinition {
  return definition
}
