import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { type ClaimOptions, claimStatement } from './claim-statement.ts'

/**
 * Takes queued jobs for this runner, ordered by priority, then by the share of their owner (running jobs and jobs taken before
 * it), then by age. The limits of queues and owners apply to all runners, so runners claim one after the other.
 */
export async function claimQueued(context: RunnerContext, options: ClaimOptions): Promise<AttemptRef[]> {
  if (options.slots <= 0) return []
  return await context.database.transaction(async (trx) => {
    // A statement of its own, because the snapshot of the next one must be taken after the lock.
    await sql`select pg_advisory_xact_lock(hashtextextended(current_schema() || ' claims', 0))`.execute(trx)
    const { rows } = await claimStatement(context, options).execute(trx)
    return rows.toSorted((a, b) => a.rank - b.rank).map(({ jobId, attempt }) => ({ jobId, attempt }))
  })
}
