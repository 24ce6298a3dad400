import { Context } from '@temporalio/activity'
import { sql } from 'kysely'
import type { RunnerContext } from '../../context.ts'
import { stopJob } from '../../jobs/cancel-job.ts'
import type { AttemptRef } from '../../launchers/launcher.ts'
import { advance } from './advance.ts'
import type { TaskQueues } from './task-queues.ts'
import type { LaunchVerbs, SharedVerbs, SupervisionVerbs } from './verbs.ts'

const EXPORT_POLL_MS = 500
/** A backend that does not answer for so long catches up later; the workflow does not wait for it. */
const EXPORT_MS = 10 * 60_000

/** The attempts of this process, as its orchestrator holds them. */
export interface HeldAttempts {
  /** Begins a launch, up to the end of the check of its dataset. False: it ended before. */
  validate(ref: AttemptRef): Promise<boolean>
  /** Lets a launch prepare what it needs. False: it ended before. */
  prepare(ref: AttemptRef): Promise<boolean>
  /** Lets a launch start its trainer. */
  launch(ref: AttemptRef): Promise<boolean>
  /** Resolves when the attempt is over and cleaned up. */
  supervise(ref: AttemptRef): Promise<void>
}

export function sharedVerbs(
  context: RunnerContext,
  queues: TaskQueues,
  { backends }: { backends: readonly string[] },
): SharedVerbs {
  const { db } = context.database
  return {
    advance: ({ jobId }) => advance(context, queues, jobId),
    cancel: async ({ jobId }) => {
      await stopJob(context, jobId)
    },
    async hold({ jobId, isHeld }) {
      await db
        .updateTable('jobs')
        .set({ held_at: isHeld ? context.clock.now() : null })
        .where('id', '=', jobId)
        .execute()
      context.hub.changed(jobId)
      context.hub.wake()
    },
    async awaitExport({ jobId }) {
      if (backends.length === 0) return true
      const endsAt = performance.now() + EXPORT_MS
      for (;;) {
        const { rows } = await sql<{ waiting: boolean }>`
          select exists (
            select from attempts a cross join unnest(${backends}::text[]) as b (backend)
            left join experiments e on e.job_id = a.job_id and e.attempt = a.attempt and e.backend = b.backend
            where a.job_id = ${jobId}::bigint and a.launched_at is not null
              and (e.state is null or e.state in ('waiting', 'open'))
          ) as waiting`.execute(db)
        if (rows[0]?.waiting !== true) return true
        if (performance.now() > endsAt) return false
        Context.current().heartbeat()
        await Context.current().sleep(EXPORT_POLL_MS)
      }
    },
  }
}

export function launchVerbs(held: HeldAttempts, queues: TaskQueues): LaunchVerbs {
  return {
    validateDataset: (ref) => reporting(queues, held.validate(ref)),
    prepareEnvironment: (ref) => reporting(queues, held.prepare(ref)),
    launchTrainer: (ref) => reporting(queues, held.launch(ref)),
  }
}

export function supervisionVerbs(held: HeldAttempts, queues: TaskQueues): SupervisionVerbs {
  return { supervise: (ref) => reporting(queues, held.supervise(ref)) }
}

/** Reports that this process lives while the work goes on. A cancel ends the activity, not the work. */
async function reporting<T>(queues: TaskQueues, work: Promise<T>): Promise<T> {
  const context = Context.current()
  const timer = setInterval(() => context.heartbeat(), queues.heartbeatMs / 4)
  try {
    return await Promise.race([work, context.cancelled])
  } finally {
    clearInterval(timer)
  }
}
