import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Who created a job, and what was used by day. */
export const usage: Migration = {
  async up(db) {
    await sql`alter table jobs add column created_by text, add column created_by_name text`.execute(db)
    await sql`
      alter table attempts
        add column ended_at timestamptz,
        add column cpu_seconds double precision,
        add column metered_until timestamptz,
        add column metered_cpu_seconds double precision not null default 0,
        add column metered boolean not null default false`.execute(db)
    // Attempts of the past are counted by the first round of cleaning up.
    await sql`
      update attempts set ended_at = coalesce(least(closed_at, cleaned_at), last_heard_at, running_since)
      where cleaned_at is not null`.execute(db)
    await sql`create index attempts_unmetered on attempts (job_id, attempt)
      where running_since is not null and not metered`.execute(db)
    await sql`
      create table usage_days (
        project_id text not null,
        day date not null,
        person text not null,
        trainer text not null,
        queue text not null,
        attempts bigint not null default 0,
        run_seconds double precision not null default 0,
        gpu_seconds double precision not null default 0,
        cpu_seconds double precision not null default 0,
        storage_byte_seconds double precision not null default 0,
        uploaded_bytes double precision not null default 0,
        downloaded_bytes double precision not null default 0,
        primary key (project_id, day, person, trainer, queue)
      )`.execute(db)
    await sql`
      create table usage_transfers (
        id bigint generated always as identity primary key,
        at timestamptz not null,
        project_id text not null,
        person text not null,
        trainer text not null,
        queue text not null,
        uploaded_bytes double precision not null,
        downloaded_bytes double precision not null
      )`.execute(db)
    await sql`create table usage_marks (name text primary key, at timestamptz not null)`.execute(db)
  },
}
