import { sql, type Transaction } from 'kysely'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { addParts, daysBetween, secondsOfDay, sumsByProject, type UsageSum } from './usage-sums.ts'

const since = sql`due.since`
const until = sql`due.until`

/**
 * Counts in `usage_days` what attempts used since they were last counted. Each attempt records until when it was counted, in the
 * same statement, so nothing is counted twice or lost, whenever a runner ends.
 *
 * A running attempt is counted until its last report: silence may mean that its machine is gone.
 */
export async function meterAttempts(
  trx: Transaction<RunnerDatabase>,
  { now, jobId }: { now: Date; jobId?: number | undefined },
): Promise<UsageSum[]> {
  const which = jobId === undefined ? sql`true` : sql`a.job_id = ${jobId}`
  // A round over all attempts leaves those out that are just being ended: they are counted there.
  const lock = jobId === undefined ? sql`for update of a skip locked` : sql`for update of a`
  const { rows } = await sql<UsageSum>`
    with due as materialized (
      select a.job_id, a.attempt, j.project_id, coalesce(j.created_by, '') as person, j.trainer_name as trainer, j.queue,
        j.gpus, coalesce((j.trainer #>> '{manifest,resources,cpu}')::float8,
          case when a.cpu_seconds is null then 1 else 0 end) as cpus,
        a.cpu_seconds, a.metered_cpu_seconds, a.running_since, a.metered_until is null as is_first,
        a.cleaned_at is not null as is_last,
        coalesce(a.metered_until, a.running_since) as since,
        greatest(coalesce(a.metered_until, a.running_since),
          least(coalesce(a.ended_at, a.last_heard_at, a.running_since), ${now}::timestamptz)) as until
      from attempts a join jobs j on j.id = a.job_id
      where a.running_since is not null and not a.metered and ${which}
      ${lock}
    ),
    used as (
      select due.*, extract(epoch from until - since)::float8 as seconds,
        greatest(0, greatest(cpus * extract(epoch from until - running_since)::float8, coalesce(cpu_seconds, 0))
          - metered_cpu_seconds) as new_cpu_seconds
      from due
    ),
    counted as (
      update attempts a set metered_until = used.until, metered = used.is_last,
        metered_cpu_seconds = a.metered_cpu_seconds + used.new_cpu_seconds
      from used where a.job_id = used.job_id and a.attempt = used.attempt
    ),
    parts as (
      select due.project_id, day::date as day, due.person, due.trainer, due.queue,
        case when due.is_first and row_number() over of_attempt = 1 then 1 else 0 end as attempts,
        part.seconds as run_seconds, part.seconds * due.gpus as gpu_seconds,
        case when due.seconds > 0 then due.new_cpu_seconds * part.seconds / due.seconds
          when row_number() over of_attempt = 1 then due.new_cpu_seconds else 0 end as cpu_seconds,
        0::float8 as storage_byte_seconds, 0::float8 as uploaded_bytes, 0::float8 as downloaded_bytes
      from used due
      cross join lateral ${daysBetween(since, until)} as day
      cross join lateral (select greatest(0, ${secondsOfDay(since, until)}) as seconds) as part
      where due.is_first or due.seconds > 0 or due.new_cpu_seconds > 0
      window of_attempt as (partition by due.job_id, due.attempt order by day)
    ),
    ${addParts}
    ${sumsByProject}`.execute(trx)
  return rows
}
