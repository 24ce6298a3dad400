import { z } from 'zod'

/** The state of a job. It only moves forward within an attempt; a restart creates a new attempt in `pending`. */
export const JobState = z.enum(['pending', 'queued', 'running', 'succeeded', 'failed', 'cancelled'])
export type JobState = z.infer<typeof JobState>

/** The final states. */
export const TERMINAL_JOB_STATES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobState[]

/** Whether a state is final. */
export function isTerminalJobState(state: JobState): boolean {
  return (TERMINAL_JOB_STATES as readonly JobState[]).includes(state)
}

/** The allowed transitions within one attempt. */
export const JOB_TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['queued', 'failed', 'cancelled'],
  queued: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
}

/**
 * Why an attempt ended, and whether it is retried: `free` always, because the platform caused it; `counted` within the retry
 * limit; `never` not at all.
 */
export const END_REASONS = {
  completed: { state: 'succeeded', retry: 'never' },
  cancelled_by_user: { state: 'cancelled', retry: 'never' },
  superseded: { state: 'cancelled', retry: 'never' },
  training_error: { state: 'failed', retry: 'counted' },
  config_error: { state: 'failed', retry: 'never' },
  dataset_error: { state: 'failed', retry: 'never' },
  dataset_changed: { state: 'failed', retry: 'never' },
  validation_error: { state: 'failed', retry: 'never' },
  environment_error: { state: 'failed', retry: 'counted' },
  trainer_unavailable: { state: 'failed', retry: 'counted' },
  out_of_memory: { state: 'failed', retry: 'counted' },
  storage_limit: { state: 'failed', retry: 'counted' },
  deadline: { state: 'failed', retry: 'never' },
  heartbeat_lost: { state: 'failed', retry: 'counted' },
  queued_too_long: { state: 'failed', retry: 'never' },
  start_timeout: { state: 'failed', retry: 'counted' },
  launch_failed: { state: 'failed', retry: 'counted' },
  sandbox_failed: { state: 'failed', retry: 'free' },
  image_pull_failed: { state: 'failed', retry: 'counted' },
  unschedulable: { state: 'failed', retry: 'counted' },
  node_lost: { state: 'failed', retry: 'free' },
  preempted: { state: 'failed', retry: 'free' },
  platform_unreachable: { state: 'failed', retry: 'free' },
  exited_without_result: { state: 'failed', retry: 'counted' },
} as const satisfies Record<string, { state: JobState; retry: 'free' | 'counted' | 'never' }>

/** One of the reasons of {@link END_REASONS}. */
export type EndReason = keyof typeof END_REASONS
/** The reasons of {@link END_REASONS}. */
export const EndReason = z.enum(Object.keys(END_REASONS) as [EndReason, ...EndReason[]])

/** Why the platform asks a trainer to stop. */
export const StopReason = z.enum(['cancelled', 'superseded', 'deadline'])
export type StopReason = z.infer<typeof StopReason>

/** The type of an error that a trainer reports. */
export const ErrorType = z.enum([
  'DatasetError',
  'CheckpointError',
  'ConfigError',
  'ResourceError',
  'NetworkError',
  'FrameworkError',
  'ValidationError',
  'UnknownError',
])
export type ErrorType = z.infer<typeof ErrorType>

/** Exit codes of a trainer's process. 130 and 143 are those of a shell for SIGINT and SIGTERM. */
export const EXIT_CODES = {
  done: 0,
  trainingFailed: 1,
  platformUnreachable: 2,
  unusableInput: 3,
  interrupted: 130,
  terminated: 143,
} as const
