import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const datasetSources: Migration = {
  async up(db) {
    await sql`alter table datasets add column source jsonb`.execute(db)
    await sql`
      alter table dataset_files
        alter column sha256 drop not null,
        add column etag text,
        add column split_given boolean not null default true,
        add column class_ids integer[]`.execute(db)
    await sql`
      create table dataset_splits (
        id text primary key,
        snapshot_id text not null references dataset_snapshots (id) on delete cascade,
        spec_hash text not null,
        spec jsonb not null,
        counts jsonb not null,
        warnings jsonb not null,
        created_at timestamptz not null default now(),
        unique (snapshot_id, spec_hash)
      )`.execute(db)
    await sql`
      create table dataset_split_files (
        split_id text not null references dataset_splits (id) on delete cascade,
        path text collate "C" not null,
        split text not null check (split in ('train', 'val', 'test')),
        primary key (split_id, path)
      )`.execute(db)
    await sql`
      create table pending_deletions (
        prefix text not null,
        upload_id text not null default '',
        created_at timestamptz not null default now(),
        primary key (prefix, upload_id)
      )`.execute(db)
  },
}
