import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What the processes of attempts used over time. */
export const resourceSamples: Migration = {
  async up(db) {
    await sql`
      create table resource_samples (
        job_id bigint not null,
        attempt integer not null,
        at timestamptz not null,
        cpu_cores real,
        memory_bytes double precision,
        gpu_percent real,
        gpu_memory_bytes double precision,
        primary key (job_id, attempt, at),
        foreign key (job_id, attempt) references attempts (job_id, attempt) on delete cascade
      )`.execute(db)
  },
}
