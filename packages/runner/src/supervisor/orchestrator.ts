import type { AttemptRef } from '../launchers/launcher.ts'
import type { LaunchVerb } from './launch-stage.ts'
import type { LeaseOwner } from './leases.ts'

/**
 * Decides what is next for jobs: when a job enters its queue, when it leaves it, and which replica supervises an attempt. What
 * an attempt is, and every step of it, is the supervisor's, whichever orchestrator is chosen.
 */
export interface Orchestrator {
  start(supervision: Supervision): Promise<void>
  /** The attempts that this replica supervises now, with their leases. */
  assigned(): Promise<AttemptRef[]>
  /** Called after each pass that reconciled what was assigned. */
  passed?(): Promise<void>
  /** Takes queued jobs, up to a number of free slots. Returns those that the supervisor launches at once. */
  take(slots: number): Promise<AttemptRef[]>
  /** Ends before the supervisor releases its leases. Running trainers keep running. */
  stop(): Promise<void>
}

/** What an orchestrator can ask of the supervisor of its replica. */
export interface Supervision {
  /** The holder of this replica's leases. */
  owner: LeaseOwner
  /** Asks for a pass now. */
  wake(): void
  /**
   * Launches an attempt, which is supervised from then on. Resolves when the launch has ended, for whatever reason.
   *
   * @param before delays a step of the launch
   */
  launch(ref: AttemptRef, before: (verb: LaunchVerb) => Promise<void>): Promise<void>
}
