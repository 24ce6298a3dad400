import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

const statements = (text: string) => text.split(/;\s*\n/).filter((statement) => statement.trim() !== '')

export const suppressionsAndAppeals: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements(`
      alter table checks add column queued_at timestamptz;
      update checks set queued_at = created_at;
      alter table checks alter column queued_at set default now(), alter column queued_at set not null;

      create table suppressions (
        repository_id integer not null references repositories on delete cascade,
        check_name text not null,
        fingerprint text not null,
        reason text not null,
        suppressed_by text not null,
        created_at timestamptz not null,
        primary key (repository_id, check_name, fingerprint)
      );

      create table appeals (
        id text primary key,
        check_id text not null references checks on delete cascade,
        state text not null check (state in ('open', 'approved', 'refused')),
        text text not null,
        created_by text not null,
        created_at timestamptz not null,
        answer text,
        decided_by text,
        decided_at timestamptz
      );
      create index appeals_of_check on appeals (check_id, created_at);
      create unique index appeals_open on appeals (check_id) where state = 'open';
    `)) {
      await sql.raw(statement).execute(db)
    }
  },
}
