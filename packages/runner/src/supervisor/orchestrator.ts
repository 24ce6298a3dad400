import type { AttemptRef } from '../launchers/launcher.ts'
import type { LeaseOwner } from './leases.ts'

/**
 * Decides what is next for jobs: when a job enters its queue, when it leaves it, and which replica supervises an attempt. What
 * an attempt is, and every step of it, is the supervisor's, whichever orchestrator is chosen.
 */
export interface Orchestrator {
  start(supervision: Supervision): Promise<void>
  /** The attempts that this replica supervises now, with their leases. */
  assigned(): Promise<AttemptRef[]>
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
}
