import { PredictionEvent } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { PictureResult } from '../db/schema/pictures.ts'
import { readJournal } from '../journal/read-journal.ts'

const EVENTS_AT_ONCE = 50

/** Stores what the journal of a job says about its pictures with them. Reads each event once. */
export async function collectResults(context: RunnerContext, jobId: number): Promise<void> {
  const { database, clock } = context
  for (;;) {
    const job = await database.db
      .selectFrom('jobs')
      .select(['attempt', 'pictures_seq'])
      .where('id', '=', jobId)
      .where('pictures', 'is not', null)
      .executeTakeFirst()
    if (job === undefined) return
    const position = { jobId, attempt: job.attempt, seq: job.pictures_seq }
    const events = await readJournal(database, [position], { limit: EVENTS_AT_ONCE, type: 'prediction' })
    const last = events.at(-1)
    if (last === undefined) return
    await database.transaction(async (trx) => {
      for (const { body, rejected } of events) {
        const found = readResult(body, rejected)
        if (found === undefined) continue
        await trx
          .updateTable('pictures')
          .set({ result: JSON.stringify(found.result), finished_at: clock.now() })
          // Only pictures of this job: names of others are nothing to a trainer.
          .where('job_id', '=', jobId)
          .where('id', '=', found.id)
          .where('result', 'is', null)
          .execute()
      }
      await trx
        .updateTable('jobs')
        .set({ pictures_seq: sql`greatest(pictures_seq, ${last.seq})` })
        .where('id', '=', jobId)
        .where('attempt', '=', job.attempt)
        .execute()
    })
    if (events.length < EVENTS_AT_ONCE) return
  }
}

function readResult(body: unknown, rejected: unknown): { id: string; result: PictureResult } | undefined {
  if (rejected !== null) return undefined
  const parsed = PredictionEvent.safeParse(body)
  if (!parsed.success) return undefined
  const { imageName, predictions, inferenceTimeMs, error } = parsed.data
  return { id: pictureOf(imageName), result: { objects: predictions, inferenceTimeMs, error } }
}

/** The name under which a trainer knows a picture. Unique in its job. */
export const imageNameOf = (id: string, artifactName: string): string => `${id}.${artifactName.split('.').at(-1)}`

const pictureOf = (imageName: string): string =>
  imageName
    .replace(/\.\w+$/, '')
    .split('/')
    .at(-1) ?? ''
