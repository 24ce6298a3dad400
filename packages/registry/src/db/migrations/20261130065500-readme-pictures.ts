import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Pictures of READMEs. It is empty for versions that were checked before. */
export const readmePictures: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table readme_pictures (
        version_id integer not null,
        kind text not null,
        path text not null,
        content_type text not null,
        content bytea not null,
        primary key (version_id, kind, path),
        foreign key (version_id, kind) references version_parts on delete cascade
      )
    `.execute(db)
  },
}
