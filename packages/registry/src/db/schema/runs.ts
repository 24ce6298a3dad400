import type { Operation, RunOutcome } from '@trainyard/contract'

/** A run of a published version, as a runner that the operator trusts has stated it. */
export interface RunTable {
  /** The id that the runner gave the statement. */
  id: string
  repository_id: number
  version: string
  /** The account that submitted the job. */
  subject: string | null
  operation: Operation
  outcome: RunOutcome
  seconds: number
  ended_at: Date
  received_at: Date
}
