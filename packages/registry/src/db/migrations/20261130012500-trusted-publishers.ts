import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Repositories whose jobs may publish, and the tokens of jobs that were exchanged. */
export const trustedPublishers: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table trusted_publishers (
        id text primary key,
        trainer text not null,
        namespace text not null,
        issuer text not null,
        repository text not null,
        repository_id text,
        owner_id text,
        workflow text,
        environment text,
        ref text,
        created_by text not null,
        created_at timestamptz not null,
        last_used_at timestamptz,
        last_use jsonb,
        last_refusal jsonb
      )`.execute(db)
    await sql`create index trusted_publishers_of_trainer on trusted_publishers (trainer, created_at)`.execute(db)
    await sql`
      create table exchanged_tokens (
        issuer text not null,
        token_id text not null,
        expires_at timestamptz not null,
        primary key (issuer, token_id)
      )`.execute(db)
    await sql`create index exchanged_tokens_by_end on exchanged_tokens (expires_at)`.execute(db)
  },
}
