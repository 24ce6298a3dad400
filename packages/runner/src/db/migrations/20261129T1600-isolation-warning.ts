import type { Migration } from 'kysely/migration'

export const isolationWarning: Migration = {
  async up(db) {
    await db.schema.alterTable('jobs').addColumn('isolation_warning', 'text').execute()
  },
}
