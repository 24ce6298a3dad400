import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const queues: Migration = {
  async up(db) {
    await sql`
      alter table jobs
        add column queue text not null default 'default',
        add column gpus integer not null default 0,
        add column fresh_from integer not null default 1`.execute(db)
    await sql`
      update jobs set gpus = coalesce((trainer #>> '{manifest,resources,gpu}')::integer, 0)
      where state in ('pending', 'queued', 'running')`.execute(db)
    await sql`alter table attempts add column running_since timestamptz, add column token_issued_at timestamptz`.execute(
      db,
    )
    await sql`update attempts set running_since = launched_at where cleaned_at is null`.execute(db)
    // One run of this index holds the queued jobs of one project in one queue, the next one first.
    await sql`drop index jobs_waiting`.execute(db)
    await sql`
      create index jobs_waiting on jobs (queue, project_id, gpus, priority desc, queued_at, id)
      where state = 'queued'`.execute(db)
    await sql`create index jobs_queued_at on jobs (queued_at) where state = 'queued'`.execute(db)
    await sql`create index jobs_run_after on jobs (run_after) where state = 'pending'`.execute(db)
    await sql`create index jobs_leased on jobs (lease_owner) where lease_owner is not null`.execute(db)
  },
}
