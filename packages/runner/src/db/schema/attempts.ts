import type { EndReason, JobError, StopReason } from '@trainyard/contract'
import type { ColumnType, Generated, Selectable } from 'kysely'
import type { OutputPosition } from '../../launchers/launcher.ts'
import type { Json, Timestamp } from '../columns.ts'

/** How the trainer of an attempt reports. An attempt uses one of them only. */
export type AttemptChannel = 'journal' | 'simple'

export interface AttemptsTable {
  job_id: number
  attempt: number
  /** Highest sequence number stored of the journal. */
  last_seq: Generated<number>
  channel: AttemptChannel | null
  launcher: string | null
  host: string | null
  launched_at: Date | null
  /** When the process was first observed running, after waiting for a node or an image. */
  running_since: Date | null
  /** When the process ended, as far as is known. Set when the attempt is cleaned up. */
  ended_at: Date | null
  /** CPU time of all processes of the attempt so far. Null where it is not measured. */
  cpu_seconds: Generated<number | null>
  /** Until when the attempt was counted in `usage_days`. See `usage/meter-attempts.ts`. */
  metered_until: Date | null
  metered_cpu_seconds: Generated<number>
  /** Whether everything was counted: the attempt has ended. */
  metered: Generated<boolean>
  /** When the token in the trainer's token file was issued. */
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
  /** See `supervisor/held-output.ts`. */
  held_output: ColumnType<unknown, string | undefined, string>
  log_lines: Generated<number>
  dropped_lines: Generated<number>
  /** When the process had ended, its output was read and its folder deleted. */
  cleaned_at: Date | null
  created_at: Timestamp
}

export type AttemptRow = Selectable<AttemptsTable>
