import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const passwordResets: Migration = {
  async up(db) {
    await sql`
      create table password_resets (
        account_id text primary key references accounts (id) on delete cascade,
        secret_hash text not null unique,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`.execute(db)
  },
}
