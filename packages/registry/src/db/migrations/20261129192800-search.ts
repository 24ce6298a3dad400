import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** The search tables. They are derived from the published versions and filled when a registry starts. */
export const search: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of [
      // One row for each combination of filter values, so that counting a result reads one integer per trainer.
      `create table search_facets (
        id integer generated always as identity primary key,
        task_types text[] not null,
        framework text not null,
        export_formats text[] not null,
        dataset_formats text[] not null,
        license text not null,
        tier text not null,
        unique (task_types, framework, export_formats, dataset_formats, license, tier)
      )`,
      `create table search_entries (
        repository_id integer primary key references repositories on delete cascade,
        facet_id integer not null references search_facets,
        popularity integer not null,
        indexed_as integer not null,
        published_at timestamptz not null,
        name text collate "C" not null,
        name_key text collate "C" not null,
        short_key text collate "C" not null,
        title tsvector not null,
        body tsvector not null
      )`,
      'create index search_entries_facet on search_entries (facet_id)',
      'create index search_entries_popular on search_entries (popularity desc, repository_id)',
      'create index search_entries_newest on search_entries (published_at desc, repository_id)',
      'create index search_entries_name on search_entries (name)',
      'create index search_entries_name_key on search_entries (name_key)',
      'create index search_entries_short_key on search_entries (short_key)',
      'create index search_entries_title on search_entries using gin (title)',
      'create index search_entries_body on search_entries using gin (body)',
      `create table search_words (
        word text collate "C" primary key,
        variants text[] not null
      )`,
      'create index search_words_variants on search_words using gin (variants)',
      'drop index repositories_search',
      'alter table repositories drop column search',
    ])
      await sql.raw(statement).execute(db)
  },
}
