import type { PredictedObject } from '@trainyard/contract'
import type { ExportOutcome, PredictOutcome, Progress, TrainOutcome, Validation } from '../job.ts'
import { currentSession, endSession } from './default-session.ts'

/**
 * Reports progress. Synchronous and cheap. Throws `ConfigError` before {@link reportStarted}, `ValidationError` for a loss of
 * NaN.
 */
export function reportProgress(progress: Progress): void {
  currentSession().progress(progress)
}

/**
 * Reports the result of a validation. Synchronous and cheap. Throws `ConfigError` before {@link reportStarted},
 * `ValidationError` for a loss of NaN.
 */
export function reportValidation(validation: Validation): void {
  currentSession().validation(validation)
}

/** Reports the objects that were found in an image. */
export function reportPrediction(
  imageName: string,
  objects: PredictedObject[],
  options?: { inferenceTimeMs?: number | undefined },
): void {
  currentSession().predictions(imageName, objects, options)
}

/** Completes a training. Resolves once the platform knows, or with false when it could not be reached. */
export function reportCompleted(outcome?: TrainOutcome): Promise<boolean> {
  currentSession().completeTrain(outcome)
  return endSession()
}

/** Completes a prediction. Resolves like {@link reportCompleted}. */
export function reportInferenceCompleted(outcome?: PredictOutcome): Promise<boolean> {
  currentSession().completePredict(outcome)
  return endSession()
}

/** Completes an export whose artifact was uploaded with `uploadFile('export', …)`. Resolves like {@link reportCompleted}. */
export function reportExportCompleted(outcome?: ExportOutcome): Promise<boolean> {
  currentSession().completeExport(outcome)
  return endSession()
}

/**
 * Ends the job as failed, or as cancelled when it was asked to stop, and sets the contract's exit code in `process.exitCode`.
 * Resolves like {@link reportCompleted}.
 */
export async function reportFailed(error: unknown): Promise<boolean> {
  const { exitCodeOf, reportEnd } = await import('../lifecycle/run-operation.ts')
  const session = currentSession()
  const outcome = reportEnd(session, session.signal, error)
  const delivered = await endSession()
  process.exitCode = exitCodeOf(outcome, { delivered })
  return delivered
}
