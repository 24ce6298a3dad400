import type { PredictedObject } from '@trainyard/contract'
import type { ExportOutcome, PredictOutcome, Progress, TrainOutcome, Validation } from '../job.ts'
import type { Session } from '../session/session.ts'
import { currentSession, endSession } from './default-session.ts'

/**
 * Reports progress. Synchronous and cheap. Throws `ConfigError` before {@link reportStarted}, `ValidationError` for a value
 * that the platform would refuse and for a loss that is not finite.
 */
export function reportProgress(progress: Progress): void {
  currentSession().progress(progress)
}

/**
 * Reports the result of a validation. Synchronous and cheap. Throws `ConfigError` before {@link reportStarted},
 * `ValidationError` for a value that the platform would refuse and for a loss that is not finite.
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

/**
 * Completes a training, after the uploads that were begun have ended. Resolves once the platform knows, or with false when it
 * could not be reached. Throws the error of an upload that failed and was not awaited.
 */
export async function reportCompleted(outcome?: TrainOutcome): Promise<boolean> {
  const session = await settledSession()
  session.completeTrain(outcome)
  return endSession()
}

/** Completes a prediction. Resolves like {@link reportCompleted}. */
export async function reportInferenceCompleted(outcome?: PredictOutcome): Promise<boolean> {
  const session = await settledSession()
  session.completePredict(outcome)
  return endSession()
}

/** Completes an export whose artifact was uploaded with `uploadFile('export', …)`. Resolves like {@link reportCompleted}. */
export async function reportExportCompleted(outcome?: ExportOutcome): Promise<boolean> {
  const session = await settledSession()
  session.completeExport(outcome)
  return endSession()
}

/**
 * Ends the job as failed, or as cancelled when it was asked to stop, and sets the contract's exit code in `process.exitCode`.
 * Resolves like {@link reportCompleted}.
 */
export async function reportFailed(error: unknown): Promise<boolean> {
  const [{ exitCodeOf }, { reportEnd }] = await Promise.all([
    import('../lifecycle/run-operation.ts'),
    import('../lifecycle/report-end.ts'),
  ])
  const session = currentSession()
  await session.calls.settled()
  const outcome = reportEnd(session, session.signal, error)
  const delivered = await endSession()
  process.exitCode = exitCodeOf(outcome, { delivered })
  return delivered
}

/** The session, once everything that it began has settled. */
async function settledSession(): Promise<Session> {
  const session = currentSession()
  await session.calls.settled()
  session.calls.throwUnhandled()
  if (session.violation !== undefined) throw session.violation
  return session
}
