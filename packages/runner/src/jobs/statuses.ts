import {
  END_REASONS,
  type EndReason,
  type ErrorType,
  EXIT_CODES,
  isTerminalJobState,
  JOB_TRANSITIONS,
  type JobError,
  type JobState,
  type OperationResult,
  type StopReason,
} from '@trainyard/contract'
import type { ExitReason } from '../launchers/launcher.ts'

export { isTerminalJobState }

/** Whether a job can move from one state to another within an attempt. */
export function canMove(from: JobState, to: JobState): boolean {
  return JOB_TRANSITIONS[from].includes(to)
}

/** How an attempt ended, before it is decided whether another one follows. */
export interface AttemptEnd {
  reason: EndReason
  error?: JobError | undefined
  result?: OperationResult | undefined
  /** False when the trainer reports that a retry would fail in the same way. Default: true. */
  retryable?: boolean | undefined
}

/** The end reason for the error type of a `failed` event. */
export function reasonOfErrorType(errorType: ErrorType): EndReason {
  switch (errorType) {
    case 'DatasetError':
      return 'dataset_error'
    case 'ConfigError':
      return 'config_error'
    case 'ValidationError':
      return 'validation_error'
    case 'CheckpointError':
    case 'ResourceError':
    case 'NetworkError':
    case 'FrameworkError':
    case 'UnknownError':
      return 'training_error'
  }
}

/** The end reason of a trainer that stopped as requested. */
export function reasonOfStop(reason: StopReason): EndReason {
  switch (reason) {
    case 'cancelled':
      return 'cancelled_by_user'
    case 'superseded':
      return 'superseded'
    case 'deadline':
      return 'deadline'
  }
}

/** The end of an attempt that was asked to stop before its trainer was started. */
export function stoppedBeforeStart(reason: StopReason): AttemptEnd {
  return {
    reason: reasonOfStop(reason),
    error: { message: 'The job was stopped before its trainer was started' },
  }
}

/** Interprets the exit of a trainer that sent no terminal event: CONTRACT section 6. */
export function endOfExit(exit: {
  exitCode: number
  signal?: string | undefined
  reason?: ExitReason | undefined
  detail?: string | undefined
  stopReason: StopReason | null
  /** The last lines that the trainer printed. */
  tail?: string | undefined
}): AttemptEnd {
  const how = exit.signal === undefined ? `with code ${exit.exitCode}` : `by ${exit.signal}`
  const tail = exit.tail ? `\n${exit.tail}` : ''
  if (exit.stopReason !== null)
    return { reason: reasonOfStop(exit.stopReason), error: { message: stopMessage(exit.stopReason, how) } }
  if (exit.reason !== undefined && exit.reason !== 'killed') {
    const detail = exit.detail === undefined ? '' : ` (${exit.detail})`
    return { reason: exit.reason, error: { message: `${EXIT_REASONS[exit.reason](how)}${detail}${tail}` } }
  }
  switch (exit.exitCode) {
    case EXIT_CODES.done:
      return {
        reason: 'exited_without_result',
        error: { message: `The trainer exited with code 0 without a "completed" event${tail}` },
      }
    case EXIT_CODES.platformUnreachable:
      return {
        reason: 'platform_unreachable',
        error: { message: 'The trainer could not reach the platform (exit code 2)' },
      }
    case EXIT_CODES.unusableInput:
      return {
        reason: 'config_error',
        error: {
          errorType: 'ConfigError',
          message: `The trainer rejected its configuration or dataset (exit code 3)${tail}`,
        },
      }
    default:
      return { reason: 'training_error', error: { message: `The trainer ended ${how}${tail}` } }
  }
}

const EXIT_REASONS: Record<Exclude<ExitReason, 'killed'>, (how: string) => string> = {
  out_of_memory: (how) => `The trainer was ended ${how}: it exceeded its memory limit`,
  storage_limit: (how) => `The trainer was ended ${how}: it exceeded its disk limit`,
  deadline: (how) => `The trainer was ended ${how}: it exceeded its deadline`,
  preempted: () => 'The trainer was preempted',
  node_lost: () => 'The machine that ran the trainer was lost',
  image_pull_failed: () => 'The trainer’s image could not be pulled',
  unschedulable: () => 'No machine has the resources that the trainer requests',
  launch_failed: () => 'The trainer’s container could not be started',
  sandbox_failed: (how) =>
    `The platform could not start the trainer: its sandbox ended ${how}. This is not a fault of the trainer; ask the operator`,
}

function stopMessage(reason: StopReason, how: string): string {
  const why = { cancelled: 'was cancelled', superseded: 'was superseded', deadline: 'exceeded its deadline' }
  return `The attempt ${why[reason]}; the trainer ended ${how}`
}

/** Decides whether another attempt follows. */
export function decideRetry(job: {
  reason: EndReason
  retryable: boolean
  cancelRequested: boolean
  countedRetries: number
  maxRetries: number
  freeRetries: number
  maxFreeRetries: number
}): 'free' | 'counted' | 'none' {
  if (job.cancelRequested || !job.retryable) return 'none'
  const rule = END_REASONS[job.reason].retry
  if (rule === 'free' && job.freeRetries < job.maxFreeRetries) return 'free'
  // Beyond the limit, free retries are charged to the job, so that a platform that always fails does not retry forever.
  if (rule !== 'never' && job.countedRetries < job.maxRetries) return 'counted'
  return 'none'
}

/** The pause before a retry: doubled each time up to a limit, with jitter of one half so that retries spread out. */
export function retryDelayMs(
  retries: number,
  options: { firstSeconds: number; maxSeconds: number; random?: (() => number) | undefined },
): number {
  const { firstSeconds, maxSeconds, random = Math.random } = options
  const whole = Math.min(maxSeconds, firstSeconds * 2 ** Math.min(retries, 30)) * 1000
  return Math.round(whole / 2 + (whole / 2) * random())
}
