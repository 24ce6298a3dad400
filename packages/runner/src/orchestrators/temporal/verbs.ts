import type { EndReason, JobState } from '@trainyard/contract'
import type { AttemptRef } from '../../launchers/launcher.ts'

/** What a job waits for, as the workflow sees it. */
export type NextStep = {
  /** Undefined: the job was deleted. */
  job: { project: string; trainer: string; state: JobState } | undefined
} & (
  | { wait: 'nothing'; endReason?: EndReason | undefined }
  /** The pause before a retry. */
  | { wait: 'pause'; ms: number }
  /** A slot. */
  | { wait: 'admission'; attempt: number }
  /** The end of a launched attempt. */
  | { wait: 'attempt'; attempt: number; queues: SupervisionQueues }
)

/** Task queues of the processes that can supervise an attempt. */
export interface SupervisionQueues {
  /** The process that holds the lease. */
  holder?: string | undefined
  /** All on the attempt's host. */
  host: string
  /** A process that does not report for this long is taken for dead. */
  heartbeatMs: number
}

/** A runner has taken the job from its queue. */
export interface Admission {
  attempt: number
  /** The task queue of the process that launches it. */
  queue: string
  heartbeatMs: number
}

/** A runner has stored a change of the job. */
export interface Report {
  attempt: number
  state: JobState
}

/** Any replica can run these. */
export interface SharedVerbs {
  /** Queues the job when it is due, and reads what it waits for. */
  advance(input: { jobId: number }): Promise<NextStep>
  /** Cancels the job, because its workflow was cancelled. */
  cancel(input: { jobId: number }): Promise<void>
  /** Keeps the job in its queue, or lets it be taken again. */
  hold(input: { jobId: number; isHeld: boolean }): Promise<void>
  /** Resolves when all backends have the data of the job. False: they did not take it in time. */
  awaitExport(input: { jobId: number }): Promise<boolean>
}

/** Each is one step of a launch; false when the launch ended before the next one. Only the process that took the job runs them. */
export interface LaunchVerbs {
  validateDataset(ref: AttemptRef): Promise<boolean>
  prepareEnvironment(ref: AttemptRef): Promise<boolean>
  launchTrainer(ref: AttemptRef): Promise<boolean>
}

/** Processes on the attempt's host run these. */
export interface SupervisionVerbs {
  /** Resolves when the attempt has ended and everything that it left is removed. */
  supervise(ref: AttemptRef): Promise<void>
}

export interface JobInput {
  jobId: number
  /** A signal that an earlier run received and did not act on. */
  admission?: Admission | undefined
  /** Events after which the workflow continues as a new run. Default: when the server suggests it. */
  maxEvents?: number | undefined
}

export interface JobOutcome {
  state: JobState | 'deleted'
  endReason?: EndReason | undefined
}
