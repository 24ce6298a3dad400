import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const intake: Migration = {
  async up(db) {
    // Intake locks the attempt's row anyway, and checking a foreign key cost as much as storing the event.
    // Deleting a job deletes its events explicitly.
    await sql`alter table events drop constraint events_job_id_attempt_fkey`.execute(db)
  },
}
