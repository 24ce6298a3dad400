import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** The last attempt of a job that the registry knows of. Jobs that ended before are not reported. */
export const runStatements: Migration = {
  async up(db) {
    await sql`alter table jobs add column reported_attempt integer not null default 0`.execute(db)
    await sql`update jobs set reported_attempt = attempt where finished_at is not null`.execute(db)
    await sql`create index jobs_unreported on jobs (id) where finished_at is not null and reported_attempt < attempt`.execute(
      db,
    )
  },
}
