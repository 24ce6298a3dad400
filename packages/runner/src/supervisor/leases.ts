import { hostname } from 'node:os'
import { newId, processIdentity } from '@trainyard/platform'
import { sql, type Transaction } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { claimQueued } from './claim-queued.ts'

/** The owner of a lease: a process on a machine. Other processes on that machine can check whether it is alive. */
export interface LeaseOwner {
  /** `machine/pid/identity/number of the supervisor` */
  name: string
  /** The host of its attempts, which can be a cluster. */
  host: string
}

/** This process as the owner of leases. */
export async function thisOwner(host: string): Promise<LeaseOwner> {
  const identity = (await processIdentity(process.pid)) ?? 'unknown'
  return { name: `${machine()}/${process.pid}/${identity}/${newId('sup')}`, host }
}

/** Process ids are only meaningful on their own machine. Containers and pods have host names of their own. */
function machine(): string {
  return hostname().replaceAll('/', '_')
}

/** Owners on this machine that are dead. After a crash, other runners need not wait for their leases to expire. */
export async function deadOwners(context: RunnerContext, self: LeaseOwner): Promise<string[]> {
  const rows = await context.database.db
    .selectFrom('jobs')
    .select('lease_owner')
    .distinct()
    .where('lease_owner', 'is not', null)
    .where('lease_owner', '!=', self.name)
    .where('lease_expires_at', '>', context.clock.now())
    .execute()
  const dead: string[] = []
  for (const { lease_owner: name } of rows) {
    const [seen, pid, identity] = (name ?? '').split('/')
    if (name === null || seen !== machine() || (await processIdentity(Number(pid))) === identity) continue
    dead.push(name)
  }
  return dead
}

export interface ClaimAttemptsOptions {
  /** Owners of leases that are known to be dead. */
  dead: readonly string[]
  /** Numbers of jobs; attempts of others are left alone. Default: all of this host. */
  jobIds?: readonly number[] | undefined
}

/**
 * Takes the leases of this host's live attempts and returns all attempts that this runner holds. A lease is renewed after half
 * of its duration, so that not every pass writes every row.
 */
export async function claimAttempts(
  context: RunnerContext,
  owner: LeaseOwner,
  { dead, jobIds }: ClaimAttemptsOptions,
): Promise<AttemptRef[]> {
  const ours = jobIds === undefined ? sql`` : sql`and a.job_id = any(${jobIds}::bigint[])`
  const now = context.clock.now()
  const renewBefore = new Date(now.getTime() + (context.limits.leaseSeconds * 1000) / 2)
  const { rows } = await sql<AttemptRef>`
    with alive as materialized (
      select a.job_id, a.attempt from attempts a
      where a.host = ${owner.host} and a.launched_at is not null and a.cleaned_at is null ${ours}
    ),
    held as (
      select j.id from jobs j
      where j.id in (select job_id from alive) and j.lease_owner = ${owner.name}
        and j.lease_expires_at >= ${renewBefore}::timestamptz
    ),
    due as (
      select j.id from jobs j
      where j.id in (select job_id from alive)
        and (j.lease_owner is null or j.lease_owner = any(${dead}::text[]) or j.lease_expires_at is null
             or j.lease_expires_at < ${now}::timestamptz
             or (j.lease_owner = ${owner.name} and j.lease_expires_at < ${renewBefore}::timestamptz))
      for update of j skip locked
    ),
    leased as (
      update jobs j set lease_owner = ${owner.name}, lease_expires_at = ${expiry(context, now)}::timestamptz
      from due where j.id = due.id returning j.id
    )
    select a.job_id as "jobId", a.attempt from alive a
    where a.job_id in (select id from held union all select id from leased)
    order by a.job_id, a.attempt`.execute(context.database.db)
  context.telemetry.attempts.leases.inc({ kind: 'live' }, rows.length)
  return rows
}

/** Takes queued jobs up to the number of free slots. */
export async function claimJobs(
  context: RunnerContext,
  owner: LeaseOwner,
  dead: readonly string[],
  slots: number,
): Promise<AttemptRef[]> {
  const now = context.clock.now()
  const devices = slots > 0 ? await context.launcher.devices?.() : undefined
  const claimed = await claimQueued(context, {
    leaseOwner: owner.name,
    leaseExpiresAt: expiry(context, now),
    dead,
    slots,
    devices,
  })
  context.telemetry.attempts.leases.inc({ kind: 'queued' }, claimed.length)
  return claimed
}

/** Extends the lease of a job that was taken and is not launched yet. False: it is another owner's, or the job has moved on. */
export async function extendLease(context: RunnerContext, owner: LeaseOwner, ref: AttemptRef): Promise<boolean> {
  const { numUpdatedRows } = await context.database.db
    .updateTable('jobs')
    .set({ lease_expires_at: expiry(context, context.clock.now()) })
    .where('id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .where('state', '=', 'queued')
    .where('lease_owner', '=', owner.name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Releases the lease of a job, so that any runner can claim its next attempt at once. */
export async function releaseLease(trx: Transaction<RunnerDatabase>, jobId: number): Promise<void> {
  await trx.updateTable('jobs').set({ lease_owner: null, lease_expires_at: null }).where('id', '=', jobId).execute()
}

/** Releases all leases of an owner, so that other runners can take its jobs at once after a graceful stop. */
export async function releaseLeases(context: RunnerContext, owner: LeaseOwner): Promise<void> {
  try {
    await context.database.db
      .updateTable('jobs')
      .set({ lease_owner: null, lease_expires_at: null })
      .where('lease_owner', '=', owner.name)
      .execute()
  } catch (error) {
    context.logger.warn({ err: error }, 'leases could not be released; they will expire')
  }
}

function expiry(context: RunnerContext, now: Date): Date {
  return new Date(now.getTime() + context.limits.leaseSeconds * 1000)
}
