import type { ArtifactList } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import { getJobRow } from '../jobs/get-job.ts'
import { toArtifact } from './artifact-view.ts'

/** The artifacts of a job in the order in which they were completed, with signed URLs. */
export async function listArtifacts(context: RunnerContext, jobId: number): Promise<ArtifactList> {
  const { db } = context.database
  await getJobRow(db, jobId)
  const rows = await db
    .selectFrom('artifacts')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('completed_at', 'is not', null)
    .orderBy('position')
    .execute()
  const { rows: checkpoints } = await sql<{ id: string; epoch: number }>`
    select body->>'artifactId' as id, max((body->>'epoch')::float8)::int as epoch from events
    where job_id = ${jobId} and type = 'checkpoint' and rejected is null and body ? 'epoch' group by 1`.execute(db)
  const epochs = new Map(checkpoints.map((row) => [row.id, row.epoch]))
  const artifacts = rows.map(async (row) => {
    const fileName = row.name.split('/').at(-1) ?? row.name
    const { url } = await context.store.signGet(row.storage_key, { fileName, contentType: row.content_type })
    return { ...toArtifact({ ...row, epoch: row.epoch ?? epochs.get(row.id) ?? null }), url }
  })
  return { artifacts: await Promise.all(artifacts) }
}
