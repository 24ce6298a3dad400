import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const parentsOfTokens: Migration = {
  async up(db) {
    // Tokens from before this migration have no parent: they stay valid, and who created them is not known.
    await sql`
      alter table tokens
        add column parent_id text references tokens (id) on delete cascade,
        add column created_by text check (created_by in ('local', 'session', 'token', 'issuer')),
        add column created_by_id text
    `.execute(db)
    await sql`create index tokens_parent on tokens (parent_id) where parent_id is not null`.execute(db)
  },
}
