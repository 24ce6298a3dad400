import type { Database } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerDatabase } from '../../db/schema/index.ts'

export const SCHEMA = 'chaos'
export const DATASET_ID = 'ds_test'
/** A checkpoint for predictions and exports. */
export const CHECKPOINT_ID = 'art_model'

/** Inserts what jobs need: a dataset, and a checkpoint of a job that has ended. Returns the id of the instance. */
export async function seedDatabase(db: Database<RunnerDatabase>['db']): Promise<string> {
  await sql`
    insert into chaos.datasets
      (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
    values
      (${DATASET_ID}, 'prj_default', 'shapes', 'imagefolder', 'classification', '[]', '{}', 0, ${'a'.repeat(64)})
  `.execute(db)
  await sql`
    insert into chaos.jobs
      (state, attempt, operation, task_type, project_id, trainer_name, trainer, model, config,
        primary_metric, priority, max_retries, request_hash, trace_id)
    values
      ('succeeded', 1, 'train', 'classification', 'prj_default', 'acme/chaos', '{"manifest": {}}', 'tiny', '{}',
        '{}', 0, 0, '', '')
  `.execute(db)
  await sql`
    insert into chaos.attempts (job_id, attempt, closed_at, cleaned_at)
    select id, 1, now(), now() from chaos.jobs
  `.execute(db)
  await sql`
    insert into chaos.artifacts
      (id, job_id, attempt, kind, name, size_bytes, sha256, content_type, storage_key, completed_at)
    select
      ${CHECKPOINT_ID}, id, 1, 'checkpoint', 'best.json', 2, ${'b'.repeat(64)}, 'application/json', 'none', now()
    from chaos.jobs
  `.execute(db)
  const { id } = await db.withSchema(SCHEMA).selectFrom('instance').select('id').executeTakeFirstOrThrow()
  return id
}
