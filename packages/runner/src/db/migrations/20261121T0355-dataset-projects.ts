import { DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const datasetProjects: Migration = {
  async up(db) {
    // Existing rows belong to the default project. New rows must name their project.
    await sql`alter table datasets
      add column project_id text not null default ${sql.lit(DEFAULT_PROJECT_ID)}`.execute(db)
    await sql`alter table datasets alter column project_id drop default`.execute(db)
    await sql`alter table datasets drop constraint datasets_name_version_hash_key`.execute(db)
    await sql`alter table datasets add constraint datasets_content unique (project_id, name, version_hash)`.execute(db)
    await sql`create index datasets_project on datasets (project_id, created_at desc, id desc)`.execute(db)
  },
}
