import { sql } from 'kysely'
import { abortAbandonedUploads } from '../artifacts/abandoned-uploads.ts'
import { applyRetention } from '../artifacts/retention.ts'
import type { RunnerContext } from '../context.ts'
import { collectResults, collectSnapshots, finishDeletions, sweepUploads } from '../datasets/index.ts'
import { countJobsOfSnapshots } from '../jobs/snapshot-jobs.ts'
import { meterUsage } from '../usage/meter-usage.ts'

/** Key of the advisory lock, different from that of every other lock of the schema. */
const LOCK = 7_203_114

/** One round: completes what a dead process left unfinished, and deletes what is no longer needed. */
export async function runMaintenance(context: RunnerContext): Promise<void> {
  await context.database.transaction(async (trx) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext(current_schema()), ${LOCK}) as mine`.execute(trx)
    if (rows[0]?.mine !== true) return
    const steps = [
      // Before anything is deleted that was stored until now.
      () => meterUsage(context),
      () => sweepUploads(context),
      () => abortAbandonedUploads(context),
      () => applyRetention(context),
      () => collectSnapshots(context, async (ids) => new Set((await countJobsOfSnapshots(context, ids)).keys())),
      () => collectResults(context),
      () => finishDeletions(context),
    ]
    for (const step of steps) {
      // If one step fails, for example because the store is unavailable, the others still run.
      await step().catch((error: unknown) => context.logger.warn({ err: error }, 'a step of cleaning up failed'))
    }
  })
}
