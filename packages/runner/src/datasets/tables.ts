import type {
  DatasetClass,
  DatasetCounts,
  DatasetFormat,
  SplitCounts,
  SplitName,
  SplitRequest,
  TaskType,
} from '@trainyard/contract'
import { DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { type ColumnType, type Generated, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Objects are written as JSON text: `pg` would turn an array into a PostgreSQL array. */
type Json<T> = ColumnType<T, string, string>

interface Described {
  name: string
  format: DatasetFormat
  task_type: TaskType
  classes: Json<DatasetClass[]>
  counts: Json<DatasetCounts>
  size_bytes: number
  /** SHA-256 over the sorted (path, size, SHA-256) list and the annotation content. */
  version_hash: string
  created_at: Generated<Date>
}

/** Where the images are that a dataset only refers to: a prefix of another bucket, or of the platform's own store. */
export interface DatasetSource {
  bucket?: string
  prefix: string
}

export interface DatasetRow extends Described {
  id: string
  project_id: string
  /** Null when it was uploaded. */
  source: ColumnType<DatasetSource | null, string | null | undefined, never>
}

/** Everything under `datasets/{dataset_id}/` in the object store. Annotation files have neither split nor label. */
export interface DatasetFileRow {
  dataset_id: string
  path: string
  role: 'image' | 'annotation'
  size_bytes: number
  /** Null for an image that is only referred to: its `etag` tells whether it is still the same. */
  sha256: string | null
  /** Of the object, as the store says. Null where nobody noted it, and for a file that was made here. */
  etag: Generated<string | null>
  split: SplitName | null
  /** Whether the dataset says so itself; else the hash of the path did. */
  split_given: Generated<boolean>
  /** Classes that the image shows. */
  class_ids: Generated<number[] | null>
  labelled: boolean
}

/** What a job trains on: the annotation files are copied to `snapshots/{id}/`, the images stay the dataset's. */
export interface SnapshotRow extends Described {
  id: string
  dataset_id: string
}

/** A split of a dataset's images that a job asked for; jobs that ask for the same share it. */
export interface DatasetSplitRow {
  id: string
  snapshot_id: string
  spec_hash: string
  spec: Json<SplitRequest>
  counts: Json<SplitCounts>
  warnings: Json<string[]>
  created_at: Generated<Date>
}

/** Where an image is in a split of a job. */
export interface DatasetSplitFileRow {
  split_id: string
  path: string
  split: SplitName
}

/** Objects that are to go: written with the rows that referred to them, removed once they are gone. */
export interface PendingDeletionRow {
  /** A key's beginning; with `upload_id` the key of a multipart upload that is to be aborted. */
  prefix: string
  upload_id: string
  created_at: Generated<Date>
}

/** A dataset whose objects are being stored: what is left when a process dies in the middle, so that it can be removed. */
export interface DatasetUploadRow {
  id: string
  started_at: Date
}

export interface DatasetTables {
  datasets: DatasetRow
  dataset_files: DatasetFileRow
  dataset_snapshots: SnapshotRow
  dataset_uploads: DatasetUploadRow
  dataset_splits: DatasetSplitRow
  dataset_split_files: DatasetSplitFileRow
  pending_deletions: PendingDeletionRow
}

/** To be merged with the migrations of the other areas; every name is unique to this one. */
export const datasetMigrations: Record<string, Migration> = {
  '20261120T1000-datasets': {
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
      // Collation "C": pages are cut by path, and their order must not depend on the server's locale.
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
  },
  '20261121T0100-dataset-uploads': {
    async up(db) {
      await sql`create table dataset_uploads (id text primary key, started_at timestamptz not null)`.execute(db)
    },
  },
  '20261121T0355-dataset-projects': {
    async up(db) {
      // What is there already belongs to the default project; from now on each row has to say whose it is.
      await sql`alter table datasets
        add column project_id text not null default ${sql.lit(DEFAULT_PROJECT_ID)}`.execute(db)
      await sql`alter table datasets alter column project_id drop default`.execute(db)
      await sql`alter table datasets drop constraint datasets_name_version_hash_key`.execute(db)
      await sql`alter table datasets add constraint datasets_content unique (project_id, name, version_hash)`.execute(
        db,
      )
      await sql`create index datasets_project on datasets (project_id, created_at desc, id desc)`.execute(db)
    },
  },
  '20261121T0402-dataset-sources': {
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
  },
}
