import type { ColumnType, Selectable } from 'kysely'

/** What a backend needs to find its experiment again. Plain data: stored here and passed back to every call. */
export type ExperimentHandle = Readonly<Record<string, string | number | boolean>>

/** `waiting`: the backend has received nothing yet; `given_up`: it never will. */
export type ExperimentState = 'waiting' | 'open' | 'finished' | 'given_up'

/** How much of one attempt one observability backend has received. */
export interface ExperimentsTable {
  job_id: number
  attempt: number
  backend: string
  state: ExperimentState
  handle: ColumnType<ExperimentHandle, string, string>
  url: string | null
  params_sent: boolean
  /** Sequence number of the last event that the backend received. */
  seq: number
  /** Position of the last artifact that the backend received. */
  artifact_position: number
  /** Id of the last log line that the backend received. */
  line_id: number
  failures: number
  /** Number of items that the backend will never receive. */
  dropped: number
  last_error: string | null
  next_try_at: Date | null
  lease_owner: string | null
  lease_expires_at: Date | null
  created_at: Date
  finished_at: Date | null
}
export type ExperimentRow = Selectable<ExperimentsTable>
