import { sql, type Transaction } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { addParts, daysBetween, secondsOfDay, sumsByProject, type UsageSum } from './usage-sums.ts'

const since = sql`held.since`

/**
 * Counts what artifacts and uploaded datasets occupied since the last round. The first round only records when it was: sizes of the
 * time before are not known.
 */
export async function meterStorage(trx: Transaction<RunnerDatabase>, { now }: { now: Date }): Promise<UsageSum[]> {
  const until = sql`${now}::timestamptz`
  const mark = await trx
    .selectFrom('usage_marks')
    .select('at')
    .where('name', '=', 'storage')
    .forUpdate()
    .executeTakeFirst()
  // A clock that was set back: the time until then is counted.
  if (mark !== undefined && mark.at >= now) return []
  await trx
    .insertInto('usage_marks')
    .values({ name: 'storage', at: now })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ at: now }))
    .execute()
  if (mark === undefined) return []
  const { rows } = await sql<UsageSum>`
    with held as materialized (
      select j.project_id, coalesce(j.created_by, '') as person, j.trainer_name as trainer, j.queue, a.size_bytes::float8 as bytes,
        greatest(a.completed_at, ${mark.at}::timestamptz) as since
      from artifacts a join jobs j on j.id = a.job_id where a.completed_at < ${until}
      union all
      select d.project_id, '', '', '', d.size_bytes::float8, greatest(d.created_at, ${mark.at}::timestamptz)
      from datasets d where d.source is null and d.created_at < ${until}
    ),
    parts as (
      select project_id, day::date as day, person, trainer, queue, 0::bigint as attempts, 0::float8 as run_seconds,
        0::float8 as gpu_seconds, 0::float8 as cpu_seconds,
        bytes * greatest(0, ${secondsOfDay(since, until)}) as storage_byte_seconds,
        0::float8 as uploaded_bytes, 0::float8 as downloaded_bytes
      from held cross join lateral ${daysBetween(since, until)} as day
    ),
    ${addParts}
    ${sumsByProject}`.execute(trx)
  return rows
}
