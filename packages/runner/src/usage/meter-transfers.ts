import { sql, type Transaction } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { addParts, sumsByProject, type UsageSum } from './usage-sums.ts'

/** Moves recorded transfers into `usage_days`. */
export async function meterTransfers(trx: Transaction<RunnerDatabase>): Promise<UsageSum[]> {
  const { rows } = await sql<UsageSum>`
    with taken as (
      delete from usage_transfers where id in (select id from usage_transfers for update skip locked) returning *
    ),
    parts as (
      select project_id, (at at time zone 'utc')::date as day, person, trainer, queue, 0::bigint as attempts,
        0::float8 as run_seconds, 0::float8 as gpu_seconds, 0::float8 as cpu_seconds, 0::float8 as storage_byte_seconds,
        uploaded_bytes, downloaded_bytes
      from taken
    ),
    ${addParts}
    ${sumsByProject}`.execute(trx)
  return rows
}
