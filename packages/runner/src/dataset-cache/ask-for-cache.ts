import { TrainyardError } from '@trainyard/platform'
import type { CacheDatasetRequest, CachedDatasetState } from '@trainyard/sdk/contract'
import { getCurrentAttempt } from '../callback/authenticate.ts'
import type { JobClaims, RunnerContext } from '../context.ts'

/** Writes down what a trainer wants to be in the cache, and answers how far it is. Whoever looks after the attempt fills it. */
export async function askForCache(
  context: RunnerContext,
  claims: JobClaims,
  { as, all: whole = false }: CacheDatasetRequest,
): Promise<CachedDatasetState> {
  const { job, attempt } = await getCurrentAttempt(context, claims, { open: true })
  if (job.snapshot_id === null) throw new TrainyardError('not_found', `Job ${job.id} has no dataset`)
  const { launcher, database } = context
  const format = as ?? ''
  if (attempt.host === launcher.host && launcher.datasetCache === undefined)
    throw new TrainyardError('not_found', 'Nobody but the trainer fills its cache here: it has one of its own')
  const { numInsertedOrUpdatedRows: isNew } = await database.db
    .insertInto('cache_fills')
    .values({ job_id: job.id, attempt: attempt.attempt, format, whole })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  if (isNew === 1n) context.hub.wake()
  const fill = await database.db
    .selectFrom('cache_fills')
    .selectAll()
    .where('job_id', '=', job.id)
    .where('attempt', '=', attempt.attempt)
    .where('format', '=', format)
    .where('whole', '=', whole)
    .executeTakeFirstOrThrow()
  if (fill.state === 'ready') return { state: 'ready', folder: `${fill.key}/files` }
  if (fill.error !== null) return { state: 'failed', ...fill.error }
  return { state: 'filling', files: fill.files, totalFiles: fill.total_files }
}
