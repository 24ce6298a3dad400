import type { ArtifactList } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { toArtifact } from './artifact-view.ts'

export interface ListArtifactsQuery {
  /** Position of the last artifact of the previous page. */
  cursor?: number | undefined
  limit: number
}

/** One page of the artifacts of a job in the order in which they were completed, with signed URLs. */
export async function listArtifacts(
  context: RunnerContext,
  jobId: number,
  { cursor = 0, limit }: ListArtifactsQuery,
): Promise<ArtifactList> {
  const { db } = context.database
  await getJobRow(db, jobId)
  const rows = await db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
    .where('position', '>', cursor)
    .orderBy('position')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const { rows: checkpoints } = await sql<{ id: string; epoch: number }>`
    select body->>'artifactId' as id, max((body->>'epoch')::float8) as epoch from events
    where job_id = ${jobId} and type = 'checkpoint' and rejected is null and body ? 'epoch'
      and body->>'artifactId' = any(${page.map(({ id }) => id)}::text[])
    group by 1`.execute(db)
  const epochs = new Map(checkpoints.map((row) => [row.id, row.epoch]))
  const artifacts = page.map(async (row) => {
    const fileName = row.name.split('/').at(-1) ?? row.name
    const { url } = await context.store.signGet(row.storage_key, { fileName, contentType: row.content_type })
    return { ...toArtifact({ ...row, epoch: row.epoch ?? epochs.get(row.id) ?? null }), url }
  })
  const last = page.at(-1)
  const nextCursor = rows.length > limit && last?.position != null ? String(last.position) : undefined
  return { artifacts: await Promise.all(artifacts), nextCursor }
}
