import { sql, type Transaction } from 'kysely'
import type { Database } from '../database/open-database.ts'

/**
 * While a backup runs, no object that a row of its snapshot names may be deleted. A server deletes objects under the shared half
 * of this lock; a backup holds the exclusive half from before its snapshot until it has copied the objects.
 */
export const DELETIONS_LOCK = "hashtextextended('trainyard:backup', 0)"

/** Runs work that deletes objects. Undefined while a backup runs: the caller tries again later. */
export async function unlessBackup<DB, T>(
  database: Pick<Database<DB>, 'transaction'>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return await database.transaction(async (trx: Transaction<DB>) => {
    // The transaction waits for the object store.
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx)
    const { rows } = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock_shared(${sql.raw(DELETIONS_LOCK)}) as free`.execute(trx)
    return rows[0]?.free ? await work() : undefined
  })
}
