import { EXIT_CODES, type Operation } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { OpenedSession } from '../session/opened-session.ts'
import type { Session } from '../session/session.ts'
import { createExportJob, createPredictJob, createTrainJob } from './create-job.ts'
import { openSession } from './open-session.ts'
import { type Outcome, reportEnd } from './report-end.ts'
import { stopOnSignals } from './stop-on-signals.ts'
import { watchProcess } from './watch-process.ts'

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

/** Longest time to deliver the end of a job, in milliseconds. */
const CLOSE_TIMEOUT_MS = { completed: 120_000, failed: 60_000, cancelled: 8_000 }

/** Longest time to wait for calls that the handler did not await, in milliseconds: after it threw, and after a stop. */
const FAILED_SETTLE_MS = 60_000
const STOPPED_SETTLE_MS = 12_000

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
    const code = opened.type === 'ready' ? await runSession(trainer, opened, stop.signal, options) : opened.exitCode
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
  { session, summarize }: Extract<OpenedSession, { type: 'ready' }>,
  signal: AbortSignal,
  options: RunTrainerOptions,
): Promise<number> {
  const unwatch = watchProcess(session)
  try {
    session.started()
    let outcome: Outcome
    try {
      await runHandler(trainer, session, signal)
      outcome = { type: 'completed' }
    } catch (error) {
      outcome = reportEnd(session, signal, error)
    }
    const report = await session.close({ timeoutMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS[outcome.type] })
    summarize?.(outcome.type)
    return exitCodeOf(outcome, report)
  } finally {
    unwatch()
  }
}

/** Runs the handler and appends `completed`; throws when the job failed or was stopped. */
async function runHandler(trainer: TrainerDefinition, session: Session, signal: AbortSignal): Promise<void> {
  const { operation } = session.settings
  signal.throwIfAborted()
  let finish: () => void
  try {
    finish = await callHandler(trainer, session, operation)
  } catch (error) {
    // An upload that has begun ends before the terminal event, but a failure does not wait for a storage that is gone.
    await session.calls.settled(AbortSignal.timeout(FAILED_SETTLE_MS))
    throw error
  }
  await session.calls.settled(afterAbort(signal, STOPPED_SETTLE_MS))
  // A handler that returns because it was asked to stop has not completed.
  signal.throwIfAborted()
  if (session.violation !== undefined) throw session.violation
  session.calls.throwUnhandled()
  finish()
}

async function callHandler(trainer: TrainerDefinition, session: Session, operation: Operation): Promise<() => void> {
  if (operation === 'train' && trainer.train) {
    const job = createTrainJob(session)
    const result = await trainer.train(job)
    return () => session.completeTrain(result ?? undefined, job.best.epoch)
  }
  if (operation === 'predict' && trainer.predict) {
    const result = await trainer.predict(createPredictJob(session))
    return () => session.completePredict(result ?? undefined)
  }
  if (operation === 'export' && trainer.export) {
    const result = await trainer.export(createExportJob(session))
    return () => session.completeExport(result ?? undefined)
  }
  const known = (['train', 'predict', 'export'] as const).filter((name) => trainer[name] !== undefined)
  throw new ConfigError(`OPERATION is "${operation}"; this trainer supports: ${known.join(', ') || 'no operation'}`)
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

/** Aborts `delayMs` after `signal`. */
function afterAbort(signal: AbortSignal, delayMs: number): AbortSignal {
  const later = new AbortController()
  const start = () => setTimeout(() => later.abort(), delayMs).unref()
  if (signal.aborted) start()
  else signal.addEventListener('abort', start, { once: true })
  return later.signal
}
