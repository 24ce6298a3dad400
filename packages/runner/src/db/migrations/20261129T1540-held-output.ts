import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const heldOutput: Migration = {
  async up(db) {
    // Printed lines that may still arrive through the journal, and what of the journal was found in the output.
    await sql`alter table attempts add column held_output jsonb not null default '{}'`.execute(db)
  },
}
