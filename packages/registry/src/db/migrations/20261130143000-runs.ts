import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Runs of published versions, as runners state them. */
export const runs: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table runs (
        id text primary key,
        repository_id integer not null references repositories on delete cascade,
        version text not null,
        subject text,
        operation text not null,
        outcome text not null check (outcome in ('succeeded', 'failed', 'cancelled')),
        seconds double precision not null,
        ended_at timestamptz not null,
        received_at timestamptz not null
      )`.execute(db)
    await sql`create index runs_of_trainer on runs (repository_id, ended_at)`.execute(db)
  },
}
