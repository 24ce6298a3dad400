import type { ColumnType } from 'kysely'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { BackendName, Handle } from './adapter.ts'

/** `waiting`: the backend knows nothing yet; `given_up`: it never will. */
export type ExperimentState = 'waiting' | 'open' | 'finished' | 'given_up'

/** How far one backend is with one attempt. */
export interface ExperimentsTable {
  job_id: number
  attempt: number
  backend: BackendName
  state: ExperimentState
  handle: ColumnType<Handle, string, string>
  url: string | null
  params_sent: boolean
  /** The backend has everything up to this number of the journal … */
  seq: number
  /** … up to this artifact, and up to this line. */
  artifact_position: number
  line_id: number
  failures: number
  /** Items that the backend will never have. */
  dropped: number
  last_error: string | null
  next_try_at: Date | null
  lease_owner: string | null
  lease_expires_at: Date | null
  created_at: Date
  finished_at: Date | null
}

/** From which attempts on a backend is told; set when it is configured for the first time. */
export interface ExperimentBackendsTable {
  backend: BackendName
  since: Date
}

export interface ObservabilityTables {
  experiments: ExperimentsTable
  experiment_backends: ExperimentBackendsTable
}

export const observabilityMigrations: Record<string, Migration> = {
  '20261121T0518-experiments': {
    async up(db) {
      await sql`
        create table experiment_backends (
          backend text primary key,
          since timestamptz not null default now()
        )`.execute(db)
      await sql`
        create table experiments (
          job_id bigint not null,
          attempt integer not null,
          backend text not null,
          state text not null default 'waiting' check (state in ('waiting', 'open', 'finished', 'given_up')),
          handle jsonb not null default '{}',
          url text,
          params_sent boolean not null default false,
          seq bigint not null default 0,
          artifact_position bigint not null default 0,
          line_id bigint not null default 0,
          failures integer not null default 0,
          dropped bigint not null default 0,
          last_error text,
          next_try_at timestamptz,
          lease_owner text,
          lease_expires_at timestamptz,
          created_at timestamptz not null default now(),
          finished_at timestamptz,
          primary key (job_id, attempt, backend),
          foreign key (job_id, attempt) references attempts on delete cascade
        )`.execute(db)
      await sql`create index experiments_due on experiments (backend, job_id, attempt)
        where state in ('waiting', 'open')`.execute(db)
      // New attempts are looked for by time.
      await sql`create index attempts_created on attempts (created_at)`.execute(db)
    },
  },
}
