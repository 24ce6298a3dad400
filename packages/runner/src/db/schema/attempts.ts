import type { EndReason, JobError, StopReason } from '@trainyard/contract'
import type { Generated, Selectable } from 'kysely'
import type { OutputPosition } from '../../launchers/launcher.ts'
import type { Json, Timestamp } from '../columns.ts'

/** Which of the two ways of reporting an attempt uses; they cannot be mixed. */
export type AttemptChannel = 'journal' | 'simple'

export interface AttemptsTable {
  job_id: number
  attempt: number
  /** Highest number of the journal that is held. */
  last_seq: Generated<number>
  channel: AttemptChannel | null
  launcher: string | null
  host: string | null
  launched_at: Date | null
  /** When its process was first seen to run: waiting for a node or an image is over. */
  running_since: Date | null
  /** When the token in its file was issued. */
  token_issued_at: Date | null
  heard_at: Date | null
  last_heard_at: Date | null
  stop_reason: StopReason | null
  stop_requested_at: Date | null
  closed_at: Date | null
  end_reason: EndReason | null
  error: Json<JobError> | null
  exit_code: number | null
  signal: string | null
  output_position: Json<OutputPosition>
  log_lines: Generated<number>
  dropped_lines: Generated<number>
  /** The process is gone, its output is read, its folder is deleted. */
  cleaned_at: Date | null
  created_at: Timestamp
}

export type AttemptRow = Selectable<AttemptsTable>
