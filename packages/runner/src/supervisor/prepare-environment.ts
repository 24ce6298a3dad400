import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import type { LaunchEnvironment, TrainerLocation } from '../launchers/launcher.ts'
import { PlatformLog } from './platform-log.ts'

/** The phase of a job while its environment is prepared. */
const PHASE = 'preparing the environment'

/** Prepares the Python environment of a job's trainer, with its progress in the job. Undefined: it needs none, or is an image. */
export async function prepareEnvironment(
  context: RunnerContext,
  job: JobRow,
  location: TrainerLocation,
  signal: AbortSignal,
): Promise<LaunchEnvironment | undefined> {
  const { environments } = context
  const { manifest } = job.trainer
  if (environments === undefined || manifest.runtime === undefined || location.type !== 'folder') return undefined
  const log = new PlatformLog(context, { jobId: job.id, attempt: job.attempt })
  await showPhase(context, job, true)
  try {
    return await environments.prepare(location.dir, manifest, { signal, onLine: (line) => log.add(line) })
  } finally {
    await log.flush()
    await showPhase(context, job, false)
  }
}

async function showPhase(context: RunnerContext, { id, attempt }: JobRow, isPreparing: boolean): Promise<void> {
  await context.database.db
    .updateTable('jobs')
    .set({
      progress: isPreparing ? sql`progress || jsonb_build_object('phase', ${PHASE}::text)` : sql`progress - 'phase'`,
    })
    .where('id', '=', id)
    .where('attempt', '=', attempt)
    .execute()
  context.hub.changed(id)
}
