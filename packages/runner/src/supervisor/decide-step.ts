import type { END_REASONS, EndReason, StopReason } from '@trainyard/contract'
import type { AttemptRow } from '../db/schema/attempts.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { type AttemptEnd, reasonOfStop, stoppedBeforeStart } from '../jobs/statuses.ts'
import type { Observation } from '../launchers/launcher.ts'
import type { LaunchInProgress } from './launch-stage.ts'

export interface StepInput {
  job: Pick<JobRow, 'attempt' | 'deadline_seconds'>
  attempt: Pick<
    AttemptRow,
    | 'attempt'
    | 'closed_at'
    | 'end_reason'
    | 'launched_at'
    | 'running_since'
    | 'heard_at'
    | 'last_heard_at'
    | 'stop_requested_at'
    | 'stop_reason'
  >
  observation: Observation | LaunchInProgress
  now: Date
  /** Since when trainers could reach this runner. Earlier silence does not count. */
  listeningSince: Date
  settings: {
    heartbeatTimeoutSeconds: number
    startTimeoutSeconds: number
    cancelGraceSeconds: number
    /** How long an attempt can wait to be started by the launcher, for a node or for its image. */
    pendingTimeoutSeconds: number
  }
}

export type Step =
  | { type: 'wait' }
  /** The launch was recorded, but the runner died before it happened. */
  | { type: 'launch' }
  /** End the launch. What it leaves is observed after that. */
  | { type: 'abort-launch' }
  /** Read the rest of the output, end the attempt according to the exit, and clean up. */
  | { type: 'settle'; exit: Extract<Observation, { state: 'exited' }> }
  | { type: 'end'; end: AttemptEnd }
  | { type: 'ask-to-stop'; reason: StopReason }
  | { type: 'stop'; graceMs: number }
  | { type: 'clean' }

/** End reasons after which the trainer is stopped without waiting for it to exit. */
const STOP_AT_ONCE: ReadonlySet<EndReason> = new Set(['heartbeat_lost', 'start_timeout', 'queued_too_long'])

/** Decides the next idempotent step for an attempt, from the desired state in the database and the observed state. */
export function decideStep(input: StepInput): Step {
  const { job, attempt, observation } = input
  const isOver = attempt.closed_at !== null || job.attempt !== attempt.attempt
  switch (observation.state) {
    case 'exited':
      return { type: 'settle', exit: observation }
    case 'lost':
      return isOver ? { type: 'clean' } : { type: 'end', end: lost(attempt.stop_reason) }
    case 'absent':
      if (isOver) return { type: 'clean' }
      if (attempt.heard_at !== null) return { type: 'end', end: lost(attempt.stop_reason) }
      // Stopped before its launch happened: it is not launched any more.
      return attempt.stop_reason === null
        ? { type: 'launch' }
        : { type: 'end', end: stoppedBeforeStart(attempt.stop_reason) }
    case 'launching':
      return isOver || attempt.stop_reason !== null ? { type: 'abort-launch' } : superviseLaunch(input, observation)
    case 'pending':
    case 'running':
      return isOver ? leave(input) : supervise(input)
  }
}

/** From its first moment, whatever it is doing. */
function superviseLaunch({ job, attempt, now, settings }: StepInput, { stage, activeAt }: LaunchInProgress): Step {
  const since = (from: Date) => (now.getTime() - from.getTime()) / 1000
  if (job.deadline_seconds !== null && since(attempt.launched_at ?? now) >= job.deadline_seconds)
    return { type: 'ask-to-stop', reason: 'deadline' }
  if (activeAt === undefined || since(activeAt) < settings.startTimeoutSeconds) return { type: 'wait' }
  return ended(
    'start_timeout',
    `The launch made no progress for ${settings.startTimeoutSeconds} seconds while ${stage}`,
  )
}

function lost(stopReason: StopReason | null): AttemptEnd {
  const message =
    'The trainer’s process ended without an exit code: the machine was restarted, or another program killed the process'
  return stopReason === null
    ? { reason: 'node_lost', error: { message } }
    : { reason: reasonOfStop(stopReason), error: { message } }
}

/** Lets the process of an ended attempt exit within the grace period. */
function leave({ attempt, now, settings }: StepInput): Step {
  const graceMs = settings.cancelGraceSeconds * 1000
  const closedAt = attempt.closed_at ?? now
  const lingered = now.getTime() - closedAt.getTime() >= graceMs
  const atOnce = attempt.end_reason !== null && STOP_AT_ONCE.has(attempt.end_reason)
  return lingered || atOnce ? { type: 'stop', graceMs } : { type: 'wait' }
}

function supervise({ job, attempt, observation, now, listeningSince, settings }: StepInput): Step {
  if (attempt.stop_requested_at !== null) return { type: 'stop', graceMs: settings.cancelGraceSeconds * 1000 }
  const launchedAt = attempt.launched_at ?? now
  const since = (from: Date) => (now.getTime() - from.getTime()) / 1000
  // Nothing runs yet, so neither the deadline nor the start timeout applies. An attempt that has reported is running,
  // whatever the launcher observes.
  if (observation.state === 'pending' && attempt.heard_at === null) {
    if (since(launchedAt) < settings.pendingTimeoutSeconds) return { type: 'wait' }
    const why = observation.detail === undefined ? '' : `: ${observation.detail}`
    return ended(
      'queued_too_long',
      `The trainer was not started within ${settings.pendingTimeoutSeconds} seconds${why}`,
    )
  }
  const startedAt = attempt.running_since ?? launchedAt
  if (job.deadline_seconds !== null && since(attempt.heard_at ?? startedAt) >= job.deadline_seconds)
    return { type: 'ask-to-stop', reason: 'deadline' }
  if (attempt.heard_at === null) {
    if (since(later(startedAt, listeningSince)) < settings.startTimeoutSeconds) return { type: 'wait' }
    return ended(
      'start_timeout',
      `The trainer did not report within ${settings.startTimeoutSeconds} seconds of its launch`,
    )
  }
  if (since(later(attempt.last_heard_at ?? launchedAt, listeningSince)) < settings.heartbeatTimeoutSeconds)
    return { type: 'wait' }
  return ended('heartbeat_lost', `The trainer did not report for ${settings.heartbeatTimeoutSeconds} seconds`)
}

function ended(reason: keyof typeof END_REASONS, message: string): Step {
  return { type: 'end', end: { reason, error: { message } } }
}

const later = (a: Date, b: Date) => (a > b ? a : b)
