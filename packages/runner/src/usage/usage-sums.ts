import { type RawBuilder, sql } from 'kysely'

/** What was added to `usage_days`, by project. */
export interface UsageSum {
  project_id: string
  gpu_seconds: number
  cpu_seconds: number
  storage_byte_seconds: number
  uploaded_bytes: number
  downloaded_bytes: number
}

/**
 * Two parts of a statement, after a `parts` with all columns of `usage_days`: `added` adds it up. Rows are locked in the order of
 * their keys, so that concurrent statements cannot deadlock.
 */
export const addParts: RawBuilder<unknown> = sql`
  sums as (
    select project_id, day, person, trainer, queue, sum(attempts) as attempts, sum(run_seconds) as run_seconds,
      sum(gpu_seconds) as gpu_seconds, sum(cpu_seconds) as cpu_seconds,
      sum(storage_byte_seconds) as storage_byte_seconds, sum(uploaded_bytes) as uploaded_bytes,
      sum(downloaded_bytes) as downloaded_bytes
    from parts group by 1, 2, 3, 4, 5
  ),
  added as (
    insert into usage_days as u (project_id, day, person, trainer, queue, attempts, run_seconds, gpu_seconds, cpu_seconds,
      storage_byte_seconds, uploaded_bytes, downloaded_bytes)
    select * from sums order by project_id, day, person, trainer, queue
    on conflict (project_id, day, person, trainer, queue) do update set
      attempts = u.attempts + excluded.attempts,
      run_seconds = u.run_seconds + excluded.run_seconds,
      gpu_seconds = u.gpu_seconds + excluded.gpu_seconds,
      cpu_seconds = u.cpu_seconds + excluded.cpu_seconds,
      storage_byte_seconds = u.storage_byte_seconds + excluded.storage_byte_seconds,
      uploaded_bytes = u.uploaded_bytes + excluded.uploaded_bytes,
      downloaded_bytes = u.downloaded_bytes + excluded.downloaded_bytes
  )`

/** The statement's result: {@link UsageSum} rows. */
export const sumsByProject: RawBuilder<UsageSum> = sql<UsageSum>`
  select project_id, sum(gpu_seconds)::float8 as gpu_seconds, sum(cpu_seconds)::float8 as cpu_seconds,
    sum(storage_byte_seconds)::float8 as storage_byte_seconds, sum(uploaded_bytes)::float8 as uploaded_bytes,
    sum(downloaded_bytes)::float8 as downloaded_bytes
  from sums group by 1`

/** The days, in UTC, that two times span. */
export const daysBetween = (from: RawBuilder<unknown>, to: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`generate_series(date_trunc('day', ${from} at time zone 'utc'), ${to} at time zone 'utc', interval '1 day')`

/** Seconds of the span that lie in the day that begins at `day`, a time without a zone. */
export const secondsOfDay = (from: RawBuilder<unknown>, to: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`extract(epoch from least(${to} at time zone 'utc', day + interval '1 day')
    - greatest(${from} at time zone 'utc', day))::float8`
