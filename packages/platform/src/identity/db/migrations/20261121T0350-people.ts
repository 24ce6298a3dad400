import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { DEFAULT_PROJECT_ID, LOCAL_ACCOUNT_ID, LOCAL_ORGANISATION_ID } from '../built-in-ids.ts'

export const people: Migration = {
  async up(db) {
    await sql`
      create table accounts (
        id text primary key,
        email text,
        display_name text not null,
        password_hash text,
        operator boolean not null default false,
        created_at timestamptz not null default now(),
        disabled_at timestamptz
      )`.execute(db)
    await sql`create unique index accounts_email on accounts (lower(email))`.execute(db)
    await sql`
      create table organisations (
        id text primary key,
        slug text not null unique,
        display_name text not null,
        created_at timestamptz not null default now()
      )`.execute(db)
    await sql`
      create table memberships (
        organisation_id text not null references organisations (id) on delete cascade,
        account_id text not null references accounts (id) on delete cascade,
        role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
        created_at timestamptz not null default now(),
        primary key (organisation_id, account_id)
      )`.execute(db)
    await sql`create index memberships_account on memberships (account_id)`.execute(db)
    await sql`
      create table projects (
        id text primary key,
        organisation_id text not null references organisations (id),
        slug text not null,
        display_name text not null,
        created_at timestamptz not null default now(),
        unique (organisation_id, slug)
      )`.execute(db)
    await sql`
      create table external_accounts (
        issuer text not null,
        subject text not null,
        account_id text not null references accounts (id) on delete cascade,
        primary key (issuer, subject)
      )`.execute(db)
    await sql`
      create table rate_limits (key text primary key, count integer not null, resets_at timestamptz not null)
    `.execute(db)
    // A column of its own, so that no token can pass for a session by its name.
    await sql`
      alter table tokens
        add column kind text not null default 'api' check (kind in ('api', 'session')),
        add column account_id text references accounts (id) on delete cascade,
        add column organisation_id text references organisations (id) on delete cascade,
        add column project_id text references projects (id) on delete cascade
    `.execute(db)
    // No foreign keys: audit rows outlive what they refer to.
    await sql`alter table audit add column organisation_id text, add column project_id text`.execute(db)
    await sql`create index audit_organisation on audit (organisation_id, id)`.execute(db)

    // Requests without accounts run as this account. The first person who signs up joins its organisation.
    await sql`insert into accounts (id, display_name, operator)
      values (${LOCAL_ACCOUNT_ID}, 'Local owner', true)`.execute(db)
    await sql`insert into organisations (id, slug, display_name)
      values (${LOCAL_ORGANISATION_ID}, 'local', 'Local')`.execute(db)
    await sql`insert into memberships (organisation_id, account_id, role)
      values (${LOCAL_ORGANISATION_ID}, ${LOCAL_ACCOUNT_ID}, 'owner')`.execute(db)
    await sql`insert into projects (id, organisation_id, slug, display_name)
      values (${DEFAULT_PROJECT_ID}, ${LOCAL_ORGANISATION_ID}, 'default', 'Default')`.execute(db)
    await sql`update tokens set account_id = ${LOCAL_ACCOUNT_ID}, owner = ${LOCAL_ACCOUNT_ID}
      where owner = 'local'`.execute(db)
  },
}
