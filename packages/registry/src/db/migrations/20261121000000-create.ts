import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

const statements = (text: string) => text.split(/;\s*\n/).filter((statement) => statement.trim() !== '')

export const create: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements(`
      create table repositories (
        id integer generated always as identity primary key,
        name text not null unique,
        namespace text not null,
        pulls bigint not null default 0,
        latest_version text,
        display_name text not null default '',
        description text not null default '',
        framework text not null default '',
        license text not null default '',
        task_types text[] not null default '{}',
        keywords text[] not null default '{}',
        published_at timestamptz,
        created_at timestamptz not null default now(),
        search tsvector
      );
      create index repositories_search on repositories using gin (search);

      create table blobs (
        digest text primary key,
        size_bytes bigint not null,
        created_at timestamptz not null default now()
      );

      create table repository_blobs (
        repository_id integer not null references repositories on delete cascade,
        digest text not null references blobs,
        created_at timestamptz not null default now(),
        primary key (repository_id, digest)
      );
      create index repository_blobs_digest on repository_blobs (digest);

      create table uploads (
        id text primary key,
        repository_id integer not null references repositories on delete cascade,
        size_bytes bigint not null default 0,
        chunks integer not null default 0,
        opened_by text not null,
        created_at timestamptz not null default now()
      );

      create table upload_chunks (
        upload_id text not null references uploads on delete cascade,
        number integer not null,
        key text not null,
        size_bytes bigint not null,
        sha256 text not null,
        primary key (upload_id, number)
      );

      create table manifests (
        repository_id integer not null references repositories on delete cascade,
        digest text not null,
        media_type text not null,
        artifact_type text,
        subject_digest text,
        annotations jsonb,
        content bytea not null,
        published boolean not null default false,
        created_at timestamptz not null default now(),
        primary key (repository_id, digest)
      );
      create index manifests_subject on manifests (repository_id, subject_digest) where subject_digest is not null;

      create table manifest_references (
        repository_id integer not null,
        manifest_digest text not null,
        digest text not null,
        kind text not null check (kind in ('blob', 'manifest')),
        primary key (repository_id, manifest_digest, digest),
        foreign key (repository_id, manifest_digest) references manifests (repository_id, digest) on delete cascade
      );
      create index manifest_references_digest on manifest_references (repository_id, digest);

      create table tags (
        repository_id integer not null,
        name text collate "C" not null,
        digest text not null,
        updated_at timestamptz not null default now(),
        primary key (repository_id, name),
        foreign key (repository_id, digest) references manifests (repository_id, digest) on delete cascade
      );

      create table versions (
        id integer generated always as identity primary key,
        repository_id integer not null references repositories on delete cascade,
        version text not null,
        digest text not null,
        created_at timestamptz not null default now(),
        unique (repository_id, version)
      );

      create table version_parts (
        version_id integer not null references versions on delete cascade,
        kind text not null check (kind in ('bundle', 'image')),
        repository_id integer not null references repositories on delete cascade,
        manifest_digest text not null,
        layer_digest text,
        size_bytes bigint not null,
        state text not null,
        state_reason text,
        manifest jsonb,
        readme text,
        check_id text not null,
        pushed_at timestamptz not null default now(),
        published_at timestamptz,
        primary key (version_id, kind),
        foreign key (repository_id, manifest_digest) references manifests (repository_id, digest)
      );
      create index version_parts_manifest on version_parts (repository_id, manifest_digest);

      create table checks (
        id text primary key,
        version_id integer not null references versions on delete cascade,
        kind text not null,
        repository_id integer not null references repositories on delete cascade,
        manifest_digest text not null,
        state text not null,
        results jsonb not null default '[]',
        tries integer not null default 0,
        lease_owner text,
        lease_until timestamptz,
        created_at timestamptz not null default now(),
        finished_at timestamptz
      );
      create index checks_waiting on checks (created_at) where finished_at is null;
    `)) {
      await sql.raw(statement).execute(db)
    }
  },
}
