import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Published parts that are scanned again when the database of a scanner changes. */
export const rescans: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table scanner_states (
        check_name text primary key,
        scanner text not null,
        seen_at timestamptz not null
      )`.execute(db)
    await sql`
      create table part_scans (
        version_id integer not null,
        kind text not null,
        check_name text not null,
        due boolean not null,
        forced boolean not null default false,
        tries integer not null default 0,
        lease text,
        lease_until timestamptz,
        scanned_at timestamptz,
        accepted jsonb,
        found jsonb not null default '[]',
        found_at timestamptz,
        primary key (version_id, kind, check_name),
        foreign key (version_id, kind) references version_parts on delete cascade
      )`.execute(db)
    await sql`create index part_scans_due on part_scans (check_name) where due`.execute(db)
    await sql`create index part_scans_by_time on part_scans (scanned_at)`.execute(db)
  },
}
