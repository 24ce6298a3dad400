import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const jobSplits: Migration = {
  async up(db) {
    await sql`alter table jobs add column split_id text`.execute(db)
    await sql`create index jobs_snapshot on jobs (snapshot_id) where snapshot_id is not null`.execute(db)
    await sql`create index jobs_dataset on jobs (dataset_id) where dataset_id is not null`.execute(db)
    await sql`create index jobs_checkpoint on jobs (checkpoint_id) where checkpoint_id is not null`.execute(db)
    await sql`create index artifacts_unfinished on artifacts (created_at) where completed_at is null`.execute(db)
  },
}
