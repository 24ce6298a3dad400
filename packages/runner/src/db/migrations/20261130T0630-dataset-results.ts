import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What was made of versions of datasets: reports, differences and files in other formats. */
export const datasetResults: Migration = {
  async up(db) {
    await sql`
      create table dataset_results (
        dataset_id text not null references datasets (id) on delete cascade,
        name text not null,
        used_at timestamptz not null,
        primary key (dataset_id, name)
      )`.execute(db)
    await sql`create index dataset_results_used on dataset_results (used_at)`.execute(db)
  },
}
