import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const logsLevel: Migration = {
  async up(db) {
    // Few lines are warnings or errors, and they are what people look for.
    await sql`create index logs_trouble on logs (job_id, id) where level in ('warning', 'error')`.execute(db)
  },
}
