import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const datasets: Migration = {
  async up(db) {
    await sql`
      create table datasets (
        id text primary key,
        name text not null,
        format text not null,
        task_type text not null,
        classes jsonb not null,
        counts jsonb not null,
        size_bytes bigint not null,
        version_hash text not null,
        created_at timestamptz not null default now(),
        unique (name, version_hash)
      )`.execute(db)
    await sql`create index datasets_newest on datasets (created_at desc, id desc)`.execute(db)
    // Collation "C": pages are ordered by path, and the order must not depend on the server's locale.
    await sql`
      create table dataset_files (
        dataset_id text not null references datasets (id) on delete cascade,
        path text collate "C" not null,
        role text not null check (role in ('image', 'annotation')),
        size_bytes bigint not null,
        sha256 text not null,
        split text check (split in ('train', 'val', 'test')),
        labelled boolean not null,
        primary key (dataset_id, path)
      )`.execute(db)
    await sql`
      create table dataset_snapshots (
        id text primary key,
        dataset_id text not null references datasets (id) on delete cascade,
        name text not null,
        format text not null,
        task_type text not null,
        classes jsonb not null,
        counts jsonb not null,
        size_bytes bigint not null,
        version_hash text not null,
        created_at timestamptz not null default now(),
        unique (dataset_id, version_hash)
      )`.execute(db)
  },
}
