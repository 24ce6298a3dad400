import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

export const sboms: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table sboms (
        repository_id integer not null references repositories on delete cascade,
        manifest_digest text not null,
        package_count integer not null,
        content text not null,
        created_at timestamptz not null default now(),
        primary key (repository_id, manifest_digest)
      )
    `.execute(db)
  },
}
