import type { AttemptChannel } from '../db/schema/attempts.ts'
import type { ParsedBatch } from '../journal/parse-events.ts'

/** Parsed events of one attempt, to be stored. */
export interface IntakeBatch {
  jobId: number
  attempt: number
  channel: AttemptChannel
  /** First and last sequence number; 0 for a heartbeat. */
  first: number
  last: number
  batch: ParsedBatch
}
