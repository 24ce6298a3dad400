import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Channels, notices of deprecated and yanked versions, and pulls by day. */
export const channelsAndPulls: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of [
      `create table channels (
        repository_id integer not null references repositories on delete cascade,
        name text collate "C" not null,
        version_id integer not null references versions on delete cascade,
        set_at timestamptz not null,
        primary key (repository_id, name)
      )`,
      `create table version_notices (
        version_id integer primary key references versions on delete cascade,
        deprecation text,
        replacement text,
        yank_reason text
      )`,
      `create table daily_pulls (
        repository_id integer not null references repositories on delete cascade,
        version text not null,
        day date not null,
        people integer not null default 0,
        bots integer not null default 0,
        primary key (repository_id, day, version)
      )`,
      // Who pulled today. The salt makes the subjects of past days unreadable when it is deleted.
      `create table pull_subjects (
        day date not null,
        repository_id integer not null references repositories on delete cascade,
        subject bytea not null,
        primary key (day, repository_id, subject)
      )`,
      'create table pull_salts (day date primary key, salt text not null)',
    ])
      await sql.raw(statement).execute(db)
  },
}
