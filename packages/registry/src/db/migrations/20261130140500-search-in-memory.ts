import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** The entries of the search become what each process reads into its index. A registry fills them when it starts. */
export const searchInMemory: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`drop table search_entries`.execute(db)
    await sql`
      create table search_entries (
        repository_id integer primary key references repositories on delete cascade,
        facet_id integer not null references search_facets,
        popularity integer not null,
        indexed_as integer not null,
        published_at timestamptz not null,
        name text collate "C" not null,
        words text not null,
        is_listed boolean not null,
        -- The transaction that wrote the row: what a process reads to follow the changes of others.
        changed xid8 not null default pg_current_xact_id()
      )`.execute(db)
    await sql`create index search_entries_changed on search_entries (changed)`.execute(db)
  },
}
