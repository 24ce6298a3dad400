import type { Migration } from 'kysely/migration'

/** The span of the submitter, in whose trace a job is. */
export const traceParents: Migration = {
  async up(db) {
    await db.schema.alterTable('jobs').addColumn('trace_parent_id', 'text').execute()
  },
}
