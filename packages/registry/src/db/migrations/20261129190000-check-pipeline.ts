import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

const statements = (text: string) => text.split(/;\s*\n/).filter((statement) => statement.trim() !== '')

export const checkPipeline: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements(`
      alter table checks add column priority smallint not null default 0, add column claimed_at timestamptz,
        add column pushed_by text;
      create index checks_of_repository on checks (repository_id, created_at);
      create index checks_claimed on checks (claimed_at) where claimed_at is not null;

      create table layer_results (
        layer_digest text not null,
        scanner text not null,
        scanner_version text not null,
        settings text not null,
        result jsonb not null,
        used_at timestamptz not null default now(),
        primary key (layer_digest, scanner, scanner_version, settings)
      );
    `)) {
      await sql.raw(statement).execute(db)
    }
  },
}
