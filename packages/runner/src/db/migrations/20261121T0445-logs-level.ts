import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const logsLevel: Migration = {
  async up(db) {
    // Warnings and errors are few, and they are what people search for.
    await sql`create index logs_trouble on logs (job_id, id) where level in ('warning', 'error')`.execute(db)
  },
}
