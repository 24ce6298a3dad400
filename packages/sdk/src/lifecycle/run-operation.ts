import { type ErrorType, EXIT_CODES, MAX_LOG_MESSAGE_LENGTH, type Operation } from '@trainyard/contract'
import { ConfigError, JobStoppedError, TrainerError, ValidationError } from '@trainyard/contract/trainer-errors'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { Session } from '../session/session.ts'
import { createExportJob, createPredictJob, createTrainJob } from './create-job.ts'
import { openSession } from './open-session.ts'
import { stopOnSignals } from './stop-on-signals.ts'

/** Options of {@link runTrainer} and {@link reportStarted}. */
export interface RunTrainerOptions {
  /** Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Arguments of a local run, without the program and the script. Default: `process.argv.slice(2)`. */
  argv?: readonly string[] | undefined
  /**
   * Longest time to deliver the end of the job to the platform, in milliseconds. After that the exit code is 2, and the journal
   * stays on disk. Default: 120,000 after `completed`, 60,000 after `failed`, 8,000 after a cancel.
   */
  closeTimeoutMs?: number | undefined
}

/** How the handler ended. */
type Outcome =
  | { type: 'completed' }
  | { type: 'failed'; errorType: ErrorType }
  | { type: 'cancelled'; reason: JobStoppedError['reason'] }

/** Longest time to deliver the end of a job, in milliseconds. */
const CLOSE_TIMEOUT_MS = { completed: 120_000, failed: 60_000, cancelled: 8_000 }

/** The contract's limit. */
const MAX_TRACEBACK_LENGTH = 65_536

/** Implements `runTrainer`. */
export async function runOperation(trainer: TrainerDefinition, options: RunTrainerOptions): Promise<number> {
  const { env = process.env, argv = process.argv.slice(2) } = options
  // Keeps the process alive while a handler waits only for unref'd timers.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  // A closed pipe on standard output must not stop a training.
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
    // Not expected to throw; if it does, the exit code must not report success.
    console.error(error)
    process.exitCode = EXIT_CODES.trainingFailed
    return EXIT_CODES.trainingFailed
  } finally {
    clearInterval(keepAlive)
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

/** Runs the handler and appends `completed`; throws when the job failed or was stopped. */
async function runHandler(trainer: TrainerDefinition, session: Session, signal: AbortSignal): Promise<void> {
  const { operation } = session.settings
  signal.throwIfAborted()
  const finish = await callHandler(trainer, session, operation)
  // A handler that returns because it was asked to stop has not completed.
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
  throw new ConfigError(`OPERATION is "${operation}"; this trainer supports: ${known.join(', ') || 'no operation'}`)
}

/** Logs an error and appends the terminal event for it. */
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
    traceback:
      error instanceof Error && error.stack
        ? session.backend.redact(error.stack).slice(0, MAX_TRACEBACK_LENGTH)
        : undefined,
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
  // How V8 and TensorFlow report that memory ran out.
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
