import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What was left out of a dataset when its files were read. Unknown for the datasets before. */
export const datasetLosses: Migration = {
  async up(db) {
    for (const table of ['datasets', 'dataset_snapshots'])
      await sql`alter table ${sql.table(table)} add column losses jsonb not null default '[]'`.execute(db)
  },
}
