import { sql } from 'kysely'
import { abortAbandonedUploads } from '../artifacts/abandoned-uploads.ts'
import { applyRetention } from '../artifacts/retention.ts'
import type { RunnerContext } from '../context.ts'
import { collectSnapshots, finishDeletions, sweepUploads } from '../datasets/index.ts'
import { countJobsOfSnapshots } from '../jobs/snapshot-jobs.ts'

export interface Maintenance {
  start(): void
  stop(): Promise<void>
}

/** Key of the advisory lock, different from that of every other lock of the schema. */
const LOCK = 7_203_114

/** Cleans up at intervals, one replica at a time. */
export function createMaintenance(context: RunnerContext): Maintenance {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = false
  const run = () => {
    running = runMaintenance(context)
      .catch((error: unknown) => context.logger.error({ err: error }, 'cleaning up failed; will retry'))
      .finally(() => {
        if (!stopped) timer = setTimeout(run, context.limits.maintenanceSeconds * 1000).unref()
      })
  }
  return {
    start: run,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** One round: completes what a dead process left unfinished, and deletes what is no longer needed. */
export async function runMaintenance(context: RunnerContext): Promise<void> {
  await context.database.transaction(async (trx) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext(current_schema()), ${LOCK}) as mine`.execute(trx)
    if (rows[0]?.mine !== true) return
    const steps = [
      () => sweepUploads(context),
      () => abortAbandonedUploads(context),
      () => applyRetention(context),
      () => collectSnapshots(context, async (ids) => new Set((await countJobsOfSnapshots(context, ids)).keys())),
      () => finishDeletions(context),
    ]
    for (const step of steps) {
      // If one step fails, for example because the store is unavailable, the others still run.
      await step().catch((error: unknown) => context.logger.warn({ err: error }, 'a step of cleaning up failed'))
    }
  })
}
