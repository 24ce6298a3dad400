import { type RawBuilder, sql } from 'kysely'
import { servedQueues } from '../config/queues.ts'
import type { RunnerContext } from '../context.ts'
import type { AttemptRef, Devices } from '../launchers/launcher.ts'

export interface ClaimOptions {
  leaseOwner: string
  leaseExpiresAt: Date
  /** Owners of leases that are known to be dead. */
  dead: readonly string[]
  /** Maximum number of jobs. */
  slots: number
  /** Devices of this machine. Undefined where they are not counted. */
  devices?: Devices | undefined
}

const NO_LIMIT = 1_000_000_000

/** The statement that chooses queued jobs and takes their leases. Jobs are ranked in the order in which they were chosen. */
export function claimStatement(
  context: Pick<RunnerContext, 'clock' | 'config'>,
  { leaseOwner, leaseExpiresAt, dead, slots, devices }: ClaimOptions,
): RawBuilder<AttemptRef & { rank: number }> {
  const now = context.clock.now()
  const queues = servedQueues(context.config)
  const names = queues.map(([name]) => name)
  const limits = queues.map(([, { maxConcurrent }]) => maxConcurrent ?? NO_LIMIT)
  const ownerLimit = context.config.maxConcurrentPerOwner ?? NO_LIMIT
  const totalDevices = devices?.total ?? 0
  const freeDevices = devices?.free ?? 0
  const isFree = sql`(j.lease_owner is null or j.lease_expires_at is null or j.lease_expires_at < ${now}::timestamptz
      or j.lease_owner = any(${dead}::text[]))`
  // A job that needs more devices than this machine has is taken, so that the launcher rejects it at once.
  const needsDevices = sql`(gpus > 0 and gpus <= ${totalDevices}::int)`
  return sql<AttemptRef & { rank: number }>`
    with recursive
    -- Jobs that occupy a slot: claimed and not yet launched, or launched and not yet cleaned up.
    live as materialized (
      select j.id, j.queue, j.project_id as owner from jobs j where j.lease_owner is not null and j.state = 'queued' and not ${isFree}
      union
      -- "offset 0" makes the planner look up each job by its key; it would scan all jobs otherwise.
      select j.id, j.queue, j.project_id from attempts a
        cross join lateral (select id, queue, project_id from jobs where id = a.job_id offset 0) j
      where a.launched_at is not null and a.cleaned_at is null
    ),
    queue_load as (select queue, count(*)::int as running from live group by queue),
    owner_load as (select owner, count(*)::int as running from live group by owner),
    served as (
      select q.name, least(q.max - coalesce(l.running, 0), ${slots}::int) as room
      from unnest(${names}::text[], ${limits}::int[]) as q (name, max) left join queue_load l on l.queue = q.name
    ),
    -- Skips from one distinct range of the index to the next, so that ten thousand jobs of a project cost as much as one.
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
          and j.cancel_requested_at is null and j.held_at is null and ${isFree}
          -- A retry waits until its earlier attempt is cleaned up.
          and not exists (select from attempts a where a.job_id = j.id and a.launched_at is not null and a.cleaned_at is null)
        order by j.priority desc, j.queued_at, j.id
        limit least(s.room, ${ownerLimit}::int - coalesce(o.running, 0))
      ) c
      where coalesce(o.running, 0) < ${ownerLimit}::int
        -- While no device is free, jobs that need one are skipped.
        and (${freeDevices}::int > 0 or not ${needsDevices})
    ),
    shared as (
      select *, running + row_number() over (partition by owner order by priority desc, queued_at, id) as share
      from candidates
    ),
    ordered as (
      select *,
        row_number() over (partition by queue order by priority desc, share, queued_at, id) as queue_rank,
        row_number() over (order by priority desc, share, queued_at, id) as rank,
        -- A job that needs many devices holds back those after it, or it would starve.
        sum(case when ${needsDevices} then gpus else 0 end) over (order by priority desc, share, queued_at, id) as devices
      from shared
    ),
    chosen as (
      select id, rank from ordered
      where queue_rank <= room and share <= ${ownerLimit}::int
        and (devices <= ${freeDevices}::int or not ${needsDevices})
      order by rank limit ${slots}::int
    ),
    locked as (
      select j.id, c.rank from jobs j join chosen c on c.id = j.id
      where j.state = 'queued' and j.cancel_requested_at is null and ${isFree}
      for update of j skip locked
    )
    update jobs j set lease_owner = ${leaseOwner}, lease_expires_at = ${leaseExpiresAt}::timestamptz
    from locked where j.id = locked.id
    returning j.id as "jobId", j.attempt, locked.rank::int as rank`
}
