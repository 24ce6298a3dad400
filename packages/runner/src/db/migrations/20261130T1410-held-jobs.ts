import type { Migration } from 'kysely/migration'

/** Jobs that an operator keeps in their queue. */
export const heldJobs: Migration = {
  async up(db) {
    await db.schema.alterTable('jobs').addColumn('held_at', 'timestamptz').execute()
  },
}
