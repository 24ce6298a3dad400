import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const intake: Migration = {
  async up(db) {
    // Intake locks the attempt's row anyway; the check of a foreign key for every event cost as much as the event.
    // Deleting a job deletes them.
    await sql`alter table events drop constraint events_job_id_attempt_fkey`.execute(db)
  },
}
