import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const eventChunks: Migration = {
  async up(db) {
    // A row an event cost as much as the points in it. The last number is the key: what comes after a number begins in the
    // first chunk that ends after it. Events that were stored before stay rows.
    await sql`
      create table event_chunks (
        job_id bigint not null,
        attempt integer not null,
        last_seq bigint not null,
        first_seq bigint not null,
        received_at timestamptz not null,
        progress_count integer,
        log_count integer,
        bodies bytea not null,
        primary key (job_id, attempt, last_seq)
      )`.execute(db)
    // It is deflated already.
    await sql`alter table event_chunks alter column bodies set storage external`.execute(db)
  },
}
