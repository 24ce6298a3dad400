import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What the pages draw on images. Null for datasets that were registered before. */
export const datasetObjects: Migration = {
  async up(db) {
    await sql`
      alter table dataset_files
        add column width integer,
        add column height integer,
        add column objects jsonb`.execute(db)
  },
}
