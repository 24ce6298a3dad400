import type { Prediction } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { collectResults } from './collect-results.ts'
import { selectPictures, toPrediction } from './prediction-view.ts'
import { waitFor } from './wait-for.ts'

export interface GetPredictionOptions {
  jobId: number
  artifactId: string
  predictionId: string
  /** How long to wait for the result. */
  waitSeconds?: number | undefined
  signal?: AbortSignal | undefined
}

/** A picture that was sent to a checkpoint of a job, once it is predicted or the time is over. */
export async function getPrediction(context: RunnerContext, options: GetPredictionOptions): Promise<Prediction> {
  const { waitSeconds = 0, signal } = options
  let current = await read(context, options)
  if (current.state !== 'waiting' || waitSeconds <= 0) return current
  await waitFor(context, { jobId: current.job.id, waitMs: waitSeconds * 1000, signal }, async () => {
    current = await read(context, options)
    return current.state === 'waiting' ? undefined : current
  })
  return current
}

async function read(context: RunnerContext, { jobId, artifactId, predictionId }: GetPredictionOptions) {
  const find = () =>
    selectPictures(context)
      .innerJoin('artifacts as checkpoints', 'checkpoints.id', 'pictures.checkpoint_id')
      .where('pictures.id', '=', predictionId)
      .where('checkpoints.id', '=', artifactId)
      .where('checkpoints.job_id', '=', jobId)
      .executeTakeFirst()
  let row = await find()
  if (row === undefined) throw notFound('prediction', predictionId)
  if (row.result === null) {
    await collectResults(context, row.job_id)
    row = await find()
    if (row === undefined) throw notFound('prediction', predictionId)
  }
  return await toPrediction(context, row)
}
