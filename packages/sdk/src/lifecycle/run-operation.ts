import { type ErrorType, EXIT_CODES, MAX_LOG_MESSAGE_LENGTH, type Operation } from '@trainyard/contract'
import { ConfigError, JobStoppedError, TrainerError, ValidationError } from '@trainyard/contract/trainer-errors'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { Session } from '../session/session.ts'
import { createExportJob, createPredictJob, createTrainJob } from './create-job.ts'
import { openSession } from './open-session.ts'
import { stopOnSignals } from './stop-on-signals.ts'

/** What {@link runTrainer} and {@link reportStarted} take from the process unless told otherwise. */
export interface RunTrainerOptions {
  /** Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>
  /** Arguments of a local run, without program and script. Default: `process.argv.slice(2)`. */
  argv?: readonly string[]
  /**
   * How long the end of the job may take to reach the platform, in milliseconds. After it the process ends with exit code
   * 2 and its journal stays on disk. Default: 120,000 after `completed`, 60,000 after `failed`, 8,000 after a cancel.
   */
  closeTimeoutMs?: number
}

/** How the handler ended. */
type Outcome =
  | { type: 'completed' }
  | { type: 'failed'; errorType: ErrorType }
  | { type: 'cancelled'; reason: JobStoppedError['reason'] }

/** How long the end of a job may take to reach the platform, in milliseconds. */
const CLOSE_TIMEOUT_MS = { completed: 120_000, failed: 60_000, cancelled: 8_000 }

/** The body of `runTrainer`. */
export async function runOperation(trainer: TrainerDefinition, options: RunTrainerOptions): Promise<number> {
  const { env = process.env, argv = process.argv.slice(2) } = options
  // A handler that only waits for timers that are unref'd must not let the process end under it.
  const alive = setInterval(() => {}, 2 ** 30)
  // A reader that went away is no reason to stop a training.
  const ignore = () => {}
  process.stdout.on('error', ignore)
  const stop = new AbortController()
  const unhook = stopOnSignals(stop)
  try {
    const opened = await openSession(trainer, { env, argv, stop })
    const code =
      opened.type === 'ready' ? await runSession(trainer, opened.session, stop.signal, options) : opened.exitCode
    process.exitCode = code
    return code
  } catch (error) {
    // Nothing here should throw; if it does, the exit code must not say that all is well.
    console.error(error)
    process.exitCode = EXIT_CODES.trainingFailed
    return EXIT_CODES.trainingFailed
  } finally {
    clearInterval(alive)
    unhook()
    process.stdout.off('error', ignore)
  }
}

async function runSession(
  trainer: TrainerDefinition,
  session: Session,
  signal: AbortSignal,
  options: RunTrainerOptions,
): Promise<number> {
  session.started()
  let outcome: Outcome
  try {
    await runHandler(trainer, session, signal)
    outcome = { type: 'completed' }
  } catch (error) {
    outcome = reportEnd(session, signal, error)
  }
  const report = await session.close({ timeoutMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS[outcome.type] })
  return exitCodeOf(outcome, report)
}

/** Runs the handler and appends `completed`; throws for every other end. */
async function runHandler(trainer: TrainerDefinition, session: Session, signal: AbortSignal): Promise<void> {
  const { operation } = session.settings
  signal.throwIfAborted()
  const finish = await callHandler(trainer, session, operation)
  // A handler that returns because it was asked to stop has not done its work.
  signal.throwIfAborted()
  if (session.violation !== undefined) throw session.violation
  finish()
}

async function callHandler(trainer: TrainerDefinition, session: Session, operation: Operation): Promise<() => void> {
  if (operation === 'train' && trainer.train) {
    const job = createTrainJob(session)
    const result = await trainer.train(job)
    return () => session.completeTrain(result, job.best.epoch)
  }
  if (operation === 'predict' && trainer.predict) {
    const result = await trainer.predict(createPredictJob(session))
    return () => session.completePredict(result)
  }
  if (operation === 'export' && trainer.export) {
    const result = await trainer.export(createExportJob(session))
    return () => session.completeExport(result)
  }
  const known = (['train', 'predict', 'export'] as const).filter((name) => trainer[name] !== undefined)
  throw new ConfigError(`OPERATION is "${operation}"; this trainer can do: ${known.join(', ') || 'nothing'}`)
}

/** Appends the terminal event for an error, and logs it. */
export function reportEnd(session: Session, signal: AbortSignal, error: unknown): Outcome {
  if (signal.aborted || error instanceof JobStoppedError) {
    const stopped = [signal.reason, error].find((reason) => reason instanceof JobStoppedError)
    const reason = stopped?.reason ?? 'cancelled'
    const isOwn = error === stopped || (error instanceof Error && error.name === 'AbortError')
    if (!isOwn) session.log('warning', `While stopping: ${describe(error)}`)
    session.log('info', `Stopped: ${reason}`)
    session.backend.append({ type: 'cancelled', message: `Stopped: ${reason}` })
    return { type: 'cancelled', reason }
  }
  const { errorType, retryable } = classify(error)
  const message = session.backend.redact(describe(error))
  session.log('error', `${errorType}: ${message}`)
  session.backend.append({
    type: 'failed',
    errorType,
    message: message.slice(0, MAX_LOG_MESSAGE_LENGTH),
    ...(error instanceof Error && error.stack
      ? { traceback: session.backend.redact(error.stack).slice(0, 65_536) }
      : {}),
    retryable,
  })
  return { type: 'failed', errorType }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

function classify(error: unknown): { errorType: ErrorType; retryable: boolean } {
  if (error instanceof ValidationError) return { errorType: error.code, retryable: false }
  if (error instanceof TrainerError) return { errorType: error.code, retryable: error.retryable }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isResource = code === 'ENOSPC' || code === 'ENOMEM' || code === 'EDQUOT' || code === 'EMFILE'
  // V8's and TensorFlow's words for "no memory".
  const isMemory = error instanceof RangeError && /allocation failed|array buffer/i.test(error.message)
  if (isResource || isMemory) return { errorType: 'ResourceError', retryable: true }
  return { errorType: 'UnknownError', retryable: true }
}

export function exitCodeOf(outcome: Outcome, report: { delivered: boolean }): number {
  if (outcome.type === 'cancelled') {
    if (outcome.reason === 'refused') return EXIT_CODES.platformUnreachable
    return outcome.reason === 'SIGINT' ? EXIT_CODES.interrupted : EXIT_CODES.terminated
  }
  if (outcome.type === 'failed' && (outcome.errorType === 'ConfigError' || outcome.errorType === 'DatasetError')) {
    return EXIT_CODES.unusableInput
  }
  if (!report.delivered) return EXIT_CODES.platformUnreachable
  return outcome.type === 'completed' ? EXIT_CODES.done : EXIT_CODES.trainingFailed
}
