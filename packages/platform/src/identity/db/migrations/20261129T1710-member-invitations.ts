import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const memberInvitations: Migration = {
  async up(db) {
    await sql`
      create table member_invitations (
        id text primary key,
        organisation_id text not null references organisations (id) on delete cascade,
        email text not null,
        role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
        secret_hash text not null unique,
        invited_by text not null references accounts (id) on delete cascade,
        issuer_role boolean not null,
        token_id text references tokens (id) on delete cascade,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`.execute(db)
    await sql`
      create unique index member_invitations_email on member_invitations (organisation_id, lower(email))`.execute(db)
  },
}
