import { type QueryExecutorProvider, sql } from 'kysely'

/** Waits until no other transaction holds the lock of this name, and holds it until the end of this transaction. */
export async function lockUntilEnd(trx: QueryExecutorProvider, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx)
}
