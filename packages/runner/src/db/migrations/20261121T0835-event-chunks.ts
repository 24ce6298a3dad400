import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const eventChunks: Migration = {
  async up(db) {
    // One row for each event cost as much as its points. The key is the last sequence number: events after a given number
    // start in the first chunk that ends after it. Events stored before this migration remain rows.
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
    // Already compressed.
    await sql`alter table event_chunks alter column bodies set storage external`.execute(db)
  },
}
