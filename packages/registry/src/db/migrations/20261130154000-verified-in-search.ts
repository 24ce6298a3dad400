import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Trainers of verified owners rank higher. The mark follows the proofs. */
export const verifiedInSearch: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table search_entries add column is_verified boolean not null default false`.execute(db)
  },
}
