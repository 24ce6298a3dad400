import { z } from 'zod'

/** Where a job is. Monotonic within an attempt; a restart opens a new attempt and goes back to `pending`. */
export const JobState = z.enum(['pending', 'queued', 'running', 'succeeded', 'failed', 'cancelled'])
export type JobState = z.infer<typeof JobState>

/** States in which nothing happens any more. */
export const TERMINAL_JOB_STATES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobState[]

/** Whether a job in this state will never change again. */
export function isTerminalJobState(state: JobState): boolean {
  return (TERMINAL_JOB_STATES as readonly JobState[]).includes(state)
}

/** From which state a job may go to which, within one attempt. */
export const JOB_TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['queued', 'failed', 'cancelled'],
  queued: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
}

/**
 * Why an attempt ended, and what follows: `free` is tried again at no cost (the platform's fault), `counted` is tried
 * again within the retry limit, `never` is final.
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
  trainer_unavailable: { state: 'failed', retry: 'counted' },
  out_of_memory: { state: 'failed', retry: 'counted' },
  storage_limit: { state: 'failed', retry: 'counted' },
  deadline: { state: 'failed', retry: 'never' },
  heartbeat_lost: { state: 'failed', retry: 'counted' },
  queued_too_long: { state: 'failed', retry: 'never' },
  start_timeout: { state: 'failed', retry: 'counted' },
  launch_failed: { state: 'failed', retry: 'counted' },
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

/** What a trainer says went wrong. */
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

/** Exit codes of a trainer's process. 130 and 143 are what a shell reports for SIGINT and SIGTERM. */
export const EXIT_CODES = {
  done: 0,
  trainingFailed: 1,
  platformUnreachable: 2,
  unusableInput: 3,
  interrupted: 130,
  terminated: 143,
} as const
