import { DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const jobProjects: Migration = {
  async up(db) {
    // Existing rows belong to the default project. New rows must name their project.
    await sql`alter table jobs
      add column project_id text not null default ${sql.lit(DEFAULT_PROJECT_ID)}`.execute(db)
    await sql`alter table jobs alter column project_id drop default`.execute(db)
    await sql`create index jobs_project on jobs (project_id, id)`.execute(db)
    await sql`alter table jobs drop constraint jobs_idempotency_key_key`.execute(db)
    await sql`alter table jobs add constraint jobs_idempotency unique (project_id, idempotency_key)`.execute(db)
  },
}
