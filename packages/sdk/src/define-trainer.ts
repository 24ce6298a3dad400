import type { TrainerManifest } from '@trainyard/contract'
import type { ExportJob, ExportOutcome, PredictJob, PredictOutcome, TrainJob, TrainOutcome } from './job.ts'

/** A handler returns its result, or nothing. */
type Handler<J, T> = ((job: J) => Promise<T | undefined>) | ((job: J) => Promise<void>)

/** A trainer: a handler for each operation that it supports. */
export interface TrainerDefinition<M = unknown> {
  /**
   * The manifest, or its path. Default: `trainer.json` in the folder of the running program or in one of its three parent
   * folders.
   */
  manifest?: string | URL | TrainerManifest | undefined
  /** Accepts a loss that is NaN or infinite. Default false: it fails the job with `ValidationError`. */
  allowNaN?: boolean | undefined
  /** Trains a model. Throw a `TrainerError` to name the cause of a failure; check `job.signal` between steps. */
  train?: Handler<TrainJob<M>, TrainOutcome> | undefined
  /** Predicts images with a checkpoint and reports the objects that it finds. */
  predict?: Handler<PredictJob<M>, PredictOutcome> | undefined
  /** Converts a checkpoint to another format and uploads it with `job.artifact('export', …)`. */
  export?: Handler<ExportJob<M>, ExportOutcome> | undefined
}

/**
 * Defines a trainer. A handler that returns has completed, one that throws has failed; an error that is thrown because
 * `job.signal` aborted means cancelled. Pass the result to {@link runTrainer}.
 *
 * With the type of the manifest, `job.config` has the settings that it declares, with their types:
 *
 * ```ts
 * import type manifest from '../trainer.json'
 *
 * const trainer = defineTrainer<typeof manifest>({ … })
 * ```
 */
export function defineTrainer<M = unknown>(definition: TrainerDefinition<M>): TrainerDefinition {
  // The manifest decides what a job's settings are, so they are those of M.
  return definition as TrainerDefinition
}
