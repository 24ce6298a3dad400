import { type RawBuilder, sql } from 'kysely'
import { servedQueues } from '../config/queues.ts'
import type { RunnerContext } from '../context.ts'

export interface ClaimedJob {
  jobId: number
  attempt: number
}

export interface ClaimOptions {
  /** Who takes them. */
  owner: string
  leaseExpiresAt: Date
  /** Holders of leases that are known to be dead. */
  dead: readonly string[]
  /** How many at most. */
  places: number
  /** Devices of this machine; absent where nobody counts them. */
  devices?: { total: number; free: number } | undefined
}

const NO_LIMIT = 1_000_000_000

/**
 * Takes queued jobs for this runner, in this order: priority; then whose share is smaller, counting what runs and what is
 * taken before it; then age. Limits of queues and owners hold over all runners, so claims take turns.
 */
export async function claimQueued(context: RunnerContext, options: ClaimOptions): Promise<ClaimedJob[]> {
  if (options.places <= 0) return []
  return await context.database.transaction(async (trx) => {
    // A statement of its own: what the next one sees begins after the turn has come.
    await sql`select pg_advisory_xact_lock(hashtextextended(current_schema() || ' claims', 0))`.execute(trx)
    const { rows } = await claimStatement(context, options).execute(trx)
    return rows.toSorted((a, b) => a.place - b.place).map(({ jobId, attempt }) => ({ jobId, attempt }))
  })
}

/** Exported for EXPLAIN in the bench. */
export function claimStatement(
  context: Pick<RunnerContext, 'clock' | 'config'>,
  { owner, leaseExpiresAt, dead, places, devices }: ClaimOptions,
): RawBuilder<ClaimedJob & { place: number }> {
  const now = context.clock.now()
  const queues = servedQueues(context.config)
  const names = queues.map(([name]) => name)
  const limits = queues.map(([, { maxConcurrent }]) => maxConcurrent ?? NO_LIMIT)
  const ownerLimit = context.config.maxConcurrentPerOwner ?? NO_LIMIT
  const totalDevices = devices?.total ?? 0
  const freeDevices = devices?.free ?? 0
  const isFree = sql`(j.lease_owner is null or j.lease_expires_at is null or j.lease_expires_at < ${now}::timestamptz
      or j.lease_owner = any(${dead}::text[]))`
  // More devices than this machine has: taken all the same, so that the launcher says so at once.
  const needsDevices = sql`(gpus > 0 and gpus <= ${totalDevices}::int)`
  return sql<ClaimedJob & { place: number }>`
    with recursive
    -- What holds a place: claimed and not yet launched, or launched and not yet cleaned up.
    live as materialized (
      select j.id, j.queue, j.project_id as owner from jobs j where j.lease_owner is not null and j.state = 'queued' and not ${isFree}
      union
      -- Each by its key ("offset 0" keeps it so): the planner would rather read all jobs that there ever were.
      select j.id, j.queue, j.project_id from attempts a
        cross join lateral (select id, queue, project_id from jobs where id = a.job_id offset 0) j
      where a.launched_at is not null and a.cleaned_at is null
    ),
    queue_load as (select queue, count(*)::int as running from live group by queue),
    owner_load as (select owner, count(*)::int as running from live group by owner),
    served as (
      select q.name, least(q.max - coalesce(l.running, 0), ${places}::int) as room
      from unnest(${names}::text[], ${limits}::int[]) as q (name, max) left join queue_load l on l.queue = q.name
    ),
    -- From one distinct run of the index to the next: ten thousand jobs of one project cost as much as one.
    runs as (
      (select queue, project_id as owner, gpus from jobs where state = 'queued' order by queue, project_id, gpus limit 1)
      union all
      select n.queue, n.owner, n.gpus from runs r cross join lateral (
        select j.queue, j.project_id as owner, j.gpus from jobs j
        where j.state = 'queued' and (j.queue, j.project_id, j.gpus) > (r.queue, r.owner, r.gpus)
        order by j.queue, j.project_id, j.gpus limit 1
      ) n
    ),
    candidates as (
      select c.id, c.priority, c.queued_at, r.queue, r.owner, r.gpus, s.room, coalesce(o.running, 0) as running
      from runs r
      join served s on s.name = r.queue and s.room > 0
      left join owner_load o on o.owner = r.owner
      cross join lateral (
        select j.id, j.priority, j.queued_at from jobs j
        where j.state = 'queued' and j.queue = r.queue and j.project_id = r.owner and j.gpus = r.gpus
          and j.cancel_requested_at is null and ${isFree}
          -- A retry waits until its earlier attempt has been cleaned up.
          and not exists (select from attempts a where a.job_id = j.id and a.launched_at is not null and a.cleaned_at is null)
        order by j.priority desc, j.queued_at, j.id
        limit least(s.room, ${ownerLimit}::int - coalesce(o.running, 0))
      ) c
      where coalesce(o.running, 0) < ${ownerLimit}::int
        -- While no device is free, jobs that need one are not even looked at.
        and (${freeDevices}::int > 0 or not ${needsDevices})
    ),
    shared as (
      select *, running + row_number() over (partition by owner order by priority desc, queued_at, id) as share
      from candidates
    ),
    ordered as (
      select *,
        row_number() over (partition by queue order by priority desc, share, queued_at, id) as queue_place,
        row_number() over (order by priority desc, share, queued_at, id) as place,
        -- One that needs many devices holds those behind it back, or it would never see so many free.
        sum(case when ${needsDevices} then gpus else 0 end) over (order by priority desc, share, queued_at, id) as devices
      from shared
    ),
    chosen as (
      select id, place from ordered
      where queue_place <= room and share <= ${ownerLimit}::int
        and (devices <= ${freeDevices}::int or not ${needsDevices})
      order by place limit ${places}::int
    ),
    locked as (
      select j.id, c.place from jobs j join chosen c on c.id = j.id
      where j.state = 'queued' and j.cancel_requested_at is null and ${isFree}
      for update of j skip locked
    )
    update jobs j set lease_owner = ${owner}, lease_expires_at = ${leaseExpiresAt}::timestamptz
    from locked where j.id = locked.id
    returning j.id as "jobId", j.attempt, locked.place::int as place`
}
