import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const setupAndOwner: Migration = {
  async up(db) {
    await sql`
      create table setup (
        id boolean primary key default true check (id),
        secret_hash text not null,
        created_at timestamptz not null default now()
      )`.execute(db)
    await sql`
      create table sign_in_codes (
        secret_hash text primary key,
        account_id text not null references accounts (id) on delete cascade,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`.execute(db)
    await sql`alter table tokens drop constraint tokens_kind_check`.execute(db)
    await sql`
      alter table tokens add constraint tokens_kind_check check (kind in ('api', 'session', 'owner'))`.execute(db)
  },
}
