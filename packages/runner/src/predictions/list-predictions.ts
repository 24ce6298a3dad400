import type { PredictionList } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { collectResults } from './collect-results.ts'
import { selectPictures, toPrediction } from './prediction-view.ts'

export interface ListPredictionsOptions {
  jobId: number
  artifactId: string
  /** Position of the last picture of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** One page of the pictures that were sent to a checkpoint of a job, newest first. */
export async function listPredictions(
  context: RunnerContext,
  { jobId, artifactId, cursor = Number.MAX_SAFE_INTEGER, limit }: ListPredictionsOptions,
): Promise<PredictionList> {
  const checkpoint = await context.database.db
    .selectFrom('artifacts')
    .select('id')
    .where('id', '=', artifactId)
    .where('job_id', '=', jobId)
    .executeTakeFirst()
  if (checkpoint === undefined) throw notFound('artifact', artifactId)
  const find = () =>
    selectPictures(context, { onlySurest: true })
      .where('pictures.checkpoint_id', '=', artifactId)
      .where('pictures.position', '<', cursor)
      .orderBy('pictures.position', 'desc')
      .limit(limit + 1)
      .execute()
  let rows = await find()
  const unknown = new Set(rows.filter(({ result }) => result === null).map(({ job_id: id }) => id))
  for (const id of unknown) await collectResults(context, id)
  if (unknown.size > 0) rows = await find()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    predictions: await Promise.all(page.map((row) => toPrediction(context, row))),
    nextCursor: rows.length > limit && last !== undefined ? String(last.position) : undefined,
  }
}
