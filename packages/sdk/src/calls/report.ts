import type { PredictedObject } from '@trainyard/contract'
import type { ExportOutcome, PredictOutcome, Progress, TrainOutcome, Validation } from '../job.ts'
import { currentSession, endSession } from './default-session.ts'

/** Says how far the job is. Synchronous and cheap. */
export function reportProgress(progress: Progress): void {
  currentSession().progress(progress)
}

/**
 * Reports the outcome of a validation. Synchronous and cheap. Throws `ConfigError` before {@link reportStarted},
 * `ValidationError` for a loss of NaN.
 */
export function reportValidation(validation: Validation): void {
  currentSession().validation(validation)
}

/** What was found in one image. */
export function reportPrediction(
  imageName: string,
  objects: PredictedObject[],
  options?: { inferenceTimeMs?: number },
): void {
  currentSession().predictions(imageName, objects, options)
}

/** Ends a training. Resolves when the platform knows; false when it could not be reached. */
export function reportCompleted(outcome?: TrainOutcome): Promise<boolean> {
  currentSession().completeTrain(outcome)
  return endSession()
}

/** Ends a prediction. */
export function reportInferenceCompleted(outcome?: PredictOutcome): Promise<boolean> {
  currentSession().completePredict(outcome)
  return endSession()
}

/** Ends an export; the artifact was uploaded with `uploadFile('export', …)`. */
export function reportExportCompleted(outcome?: ExportOutcome): Promise<boolean> {
  currentSession().completeExport(outcome)
  return endSession()
}

/** Ends the job with an error, or as cancelled when it was asked to stop. Sets `process.exitCode` as the contract says. */
export async function reportFailed(error: unknown): Promise<boolean> {
  const { exitCodeOf, reportEnd } = await import('../lifecycle/run-operation.ts')
  const session = currentSession()
  const outcome = reportEnd(session, session.signal, error)
  const delivered = await endSession()
  process.exitCode = exitCodeOf(outcome, { delivered })
  return delivered
}
