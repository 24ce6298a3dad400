import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const cacheFills: Migration = {
  async up(db) {
    await sql`
      create table cache_fills (
        job_id bigint not null,
        attempt integer not null,
        format text not null,
        whole boolean not null,
        state text not null default 'wanted' check (state in ('wanted', 'ready', 'failed')),
        key text,
        files integer not null default 0,
        total_files integer not null default 0,
        error jsonb,
        primary key (job_id, attempt, format, whole),
        foreign key (job_id, attempt) references attempts on delete cascade
      )`.execute(db)
  },
}
