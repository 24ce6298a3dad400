import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const datasetUploads: Migration = {
  async up(db) {
    await sql`create table dataset_uploads (id text primary key, started_at timestamptz not null)`.execute(db)
  },
}
