import { type Logger, newId, processIdentity } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'

/** Who holds a lease: a process of a host. Another process of that host can tell whether it still lives. */
export interface LeaseOwner {
  /** `host/pid/identity/number of the supervisor` */
  name: string
  host: string
}

export async function thisOwner(host: string): Promise<LeaseOwner> {
  const identity = (await processIdentity(process.pid)) ?? 'unknown'
  return { name: `${host}/${process.pid}/${identity}/${newId('sup')}`, host }
}

/** Owners that are known to be dead: after a crash on this host nobody waits for their leases to run out. */
async function deadOwners(context: RunnerContext, me: LeaseOwner): Promise<string[]> {
  const rows = await context.database.db
    .selectFrom('jobs')
    .select('lease_owner')
    .distinct()
    .where('lease_owner', 'is not', null)
    .where('lease_owner', '!=', me.name)
    .where('lease_expires_at', '>', context.clock.now())
    .execute()
  const dead: string[] = []
  for (const { lease_owner: name } of rows) {
    const [host, pid, identity] = (name ?? '').split('/')
    if (name === null || host !== me.host || (await processIdentity(Number(pid))) === identity) continue
    dead.push(name)
  }
  return dead
}

export interface ClaimedAttempt {
  jobId: number
  attempt: number
}

/** Takes or renews the leases of this host's attempts that still need care. */
export async function claimAttempts(context: RunnerContext, me: LeaseOwner): Promise<ClaimedAttempt[]> {
  const now = context.clock.now()
  const dead = await deadOwners(context, me)
  const { rows } = await sql<ClaimedAttempt>`
    with mine as (
      select j.id from jobs j
      where exists (select from attempts a where a.job_id = j.id and a.host = ${me.host}
                    and a.launched_at is not null and a.cleaned_at is null)
        and (j.lease_owner is null or j.lease_owner = ${me.name} or j.lease_owner = any(${dead}::text[])
             or j.lease_expires_at is null or j.lease_expires_at < ${now}::timestamptz)
      for update of j skip locked
    ),
    leased as (
      update jobs j set lease_owner = ${me.name}, lease_expires_at = ${expiry(context, now)}::timestamptz
      from mine where j.id = mine.id returning j.id
    )
    select a.job_id as "jobId", a.attempt from attempts a join leased on leased.id = a.job_id
    where a.host = ${me.host} and a.launched_at is not null and a.cleaned_at is null
    order by a.job_id, a.attempt`.execute(context.database.db)
  context.telemetry.attempts.leases.inc({ kind: 'live' }, rows.length)
  return rows
}

/** Takes queued jobs, the most urgent and oldest first. A job waits until its earlier attempts have been cleaned up. */
export async function claimQueued(context: RunnerContext, me: LeaseOwner, limit: number): Promise<ClaimedAttempt[]> {
  if (limit <= 0) return []
  const now = context.clock.now()
  const dead = await deadOwners(context, me)
  const { rows } = await sql<ClaimedAttempt>`
    with next as (
      select j.id from jobs j
      where j.state = 'queued' and j.cancel_requested_at is null
        and (j.lease_owner is null or j.lease_expires_at is null or j.lease_expires_at < ${now}::timestamptz
             or j.lease_owner = any(${dead}::text[]))
        and not exists (select from attempts a where a.job_id = j.id and a.launched_at is not null and a.cleaned_at is null)
      order by j.priority desc, j.queued_at, j.id
      limit ${limit}
      for update of j skip locked
    )
    update jobs j set lease_owner = ${me.name}, lease_expires_at = ${expiry(context, now)}::timestamptz
    from next where j.id = next.id
    returning j.id as "jobId", j.attempt`.execute(context.database.db)
  context.telemetry.attempts.leases.inc({ kind: 'queued' }, rows.length)
  return rows
}

/** On a graceful stop others need not wait. */
export async function releaseLeases(context: RunnerContext, me: LeaseOwner, logger: Logger): Promise<void> {
  try {
    await context.database.db
      .updateTable('jobs')
      .set({ lease_owner: null, lease_expires_at: null })
      .where('lease_owner', '=', me.name)
      .execute()
  } catch (error) {
    logger.warn({ err: error }, 'leases could not be given back; they run out by themselves')
  }
}

function expiry(context: RunnerContext, now: Date): Date {
  return new Date(now.getTime() + context.limits.leaseSeconds * 1000)
}
