import type { CacheDatasetRequest, CachedDatasetState } from '@trainyard/contract'
import { type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { getCurrentAttempt } from '../auth/authenticate-trainer.ts'
import type { RunnerContext } from '../context.ts'

/**
 * Records a trainer's request for its dataset in the cache, and returns the state of the request. The runner that
 * supervises the attempt fills the cache.
 */
export async function requestCache(
  context: RunnerContext,
  claims: JobTokenClaims,
  { as, all: whole = false }: CacheDatasetRequest,
): Promise<CachedDatasetState> {
  const { job, attempt } = await getCurrentAttempt(context, claims, { open: true })
  if (job.snapshot_id === null) throw new TrainyardError('not_found', `Job ${job.id} has no dataset`)
  const { launcher, database } = context
  if (attempt.host === launcher.host && launcher.datasetCache === undefined)
    throw new TrainyardError('not_found', 'The platform does not fill a cache for this job: its trainer has its own')
  const request = { job_id: job.id, attempt: attempt.attempt, format: as ?? ('' as const), whole }
  const fill = await database.db
    .selectFrom('cache_fills')
    .selectAll()
    .where((eb) => eb.and(request))
    .executeTakeFirst()
  if (fill === undefined) {
    await database.db
      .insertInto('cache_fills')
      .values(request)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    context.hub.wake()
    return { state: 'filling', files: 0, totalFiles: 0 }
  }
  if (fill.state === 'ready') return { state: 'ready', folder: `${fill.key}/files` }
  if (fill.error !== null) return { state: 'failed', ...fill.error }
  return { state: 'filling', files: fill.files, totalFiles: fill.total_files }
}
