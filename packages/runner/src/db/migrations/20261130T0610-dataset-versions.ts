import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Each row is a version now. What exists is version 1 of its own dataset. */
export const datasetVersions: Migration = {
  async up(db) {
    await sql`
      alter table datasets
        add column version_of text references datasets (id) on delete cascade,
        add column version integer not null default 1,
        add column message text,
        add column series_id text not null generated always as (coalesce(version_of, id)) stored`.execute(db)
    await sql`alter table datasets drop constraint datasets_content`.execute(db)
    await sql`
      create unique index datasets_content on datasets (project_id, name, version_hash)
        where version_of is null`.execute(db)
    await sql`alter table datasets add constraint datasets_version unique (series_id, version)`.execute(db)
    await sql`
      alter table datasets add constraint datasets_version_content unique (series_id, version_hash)`.execute(db)
    await sql`
      alter table dataset_snapshots
        add column version_of text,
        add column version integer not null default 1`.execute(db)
    await sql`alter table jobs add column dataset_version integer`.execute(db)
    await sql`update jobs set dataset_version = 1 where dataset_id is not null`.execute(db)
  },
}
