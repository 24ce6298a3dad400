import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const experiments: Migration = {
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
    // New attempts are found by time.
    await sql`create index attempts_created on attempts (created_at)`.execute(db)
  },
}
