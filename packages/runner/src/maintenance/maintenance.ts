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

/** Any number that no other lock here has. */
const LOCK = 7_203_114

/** Cleans up now and then; of several replicas one at a time. */
export function createMaintenance(context: RunnerContext): Maintenance {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = false
  const run = () => {
    running = runMaintenance(context)
      .catch((error: unknown) => context.logger.error({ err: error }, 'cleaning up failed; it is tried again'))
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

/** One round: what a dead process left half-done is finished, what nobody needs any more goes. */
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
      // A store that is away keeps one thing from being cleaned up, not the others.
      await step().catch((error: unknown) => context.logger.warn({ err: error }, 'a step of cleaning up failed'))
    }
  })
}
