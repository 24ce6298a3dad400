import { type JobValidation, type JobValidationList, ValidationEvent } from '@trainyard/contract'
import type { RunnerContext } from '../context.ts'
import { getJobRow } from './get-job.ts'

export interface ListValidationsQuery {
  attempt?: number | undefined
  /** Sequence number of the last validation of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** The validations that an attempt reported, newest first. */
export async function listValidations(
  context: RunnerContext,
  jobId: number,
  query: ListValidationsQuery,
): Promise<JobValidationList> {
  const { db } = context.database
  const attempt = query.attempt ?? (await getJobRow(db, jobId)).attempt
  let select = db
    .selectFrom('events')
    .select(['seq', 'body'])
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .where('type', '=', 'validation')
    .where('rejected', 'is', null)
    .orderBy('seq', 'desc')
    .limit(query.limit + 1)
  if (query.cursor !== undefined) select = select.where('seq', '<', query.cursor)
  const rows = await select.execute()
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const validations = page.flatMap(({ body }): JobValidation[] => {
    const parsed = ValidationEvent.safeParse(body)
    return parsed.success ? [{ ...parsed.data, attempt }] : []
  })
  return { validations, nextCursor: rows.length > page.length && last !== undefined ? String(last.seq) : undefined }
}
