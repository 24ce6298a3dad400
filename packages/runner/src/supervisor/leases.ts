import { hostname } from 'node:os'
import { type Logger, newId, processIdentity } from '@trainyard/platform'
import { sql, type Transaction } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { type ClaimedJob, claimQueued } from './claim-queued.ts'

/** Who holds a lease: a process of a machine. Another process of that machine can tell whether it still lives. */
export interface LeaseOwner {
  /** `machine/pid/identity/number of the supervisor` */
  name: string
  /** Where its attempts live, which for a cluster is no machine. */
  host: string
}

export async function thisOwner(host: string): Promise<LeaseOwner> {
  const identity = (await processIdentity(process.pid)) ?? 'unknown'
  return { name: `${machine()}/${process.pid}/${identity}/${newId('sup')}`, host }
}

/** Process numbers mean something here only: containers and pods have host names of their own. */
function machine(): string {
  return hostname().replaceAll('/', '_')
}

/** Owners that are known to be dead: after a crash on this machine nobody waits for their leases to run out. */
export async function deadOwners(context: RunnerContext, me: LeaseOwner): Promise<string[]> {
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
    const [seen, pid, identity] = (name ?? '').split('/')
    if (name === null || seen !== machine() || (await processIdentity(Number(pid))) === identity) continue
    dead.push(name)
  }
  return dead
}

export type ClaimedAttempt = ClaimedJob

/**
 * Takes the leases of this host's attempts that still need care, and gives all that this runner holds. A lease is renewed
 * from half of its life on: a thousand rows are not written at every look.
 */
export async function claimAttempts(
  context: RunnerContext,
  me: LeaseOwner,
  dead: readonly string[],
): Promise<ClaimedAttempt[]> {
  const now = context.clock.now()
  const renewBefore = new Date(now.getTime() + (context.limits.leaseSeconds * 1000) / 2)
  const { rows } = await sql<ClaimedAttempt>`
    with alive as materialized (
      select a.job_id, a.attempt from attempts a
      where a.host = ${me.host} and a.launched_at is not null and a.cleaned_at is null
    ),
    held as (
      select j.id from jobs j
      where j.id in (select job_id from alive) and j.lease_owner = ${me.name}
        and j.lease_expires_at >= ${renewBefore}::timestamptz
    ),
    due as (
      select j.id from jobs j
      where j.id in (select job_id from alive)
        and (j.lease_owner is null or j.lease_owner = any(${dead}::text[]) or j.lease_expires_at is null
             or j.lease_expires_at < ${now}::timestamptz
             or (j.lease_owner = ${me.name} and j.lease_expires_at < ${renewBefore}::timestamptz))
      for update of j skip locked
    ),
    leased as (
      update jobs j set lease_owner = ${me.name}, lease_expires_at = ${expiry(context, now)}::timestamptz
      from due where j.id = due.id returning j.id
    )
    select a.job_id as "jobId", a.attempt from alive a
    where a.job_id in (select id from held union all select id from leased)
    order by a.job_id, a.attempt`.execute(context.database.db)
  context.telemetry.attempts.leases.inc({ kind: 'live' }, rows.length)
  return rows
}

/** Takes queued jobs for the places that are free. */
export async function claimJobs(
  context: RunnerContext,
  me: LeaseOwner,
  dead: readonly string[],
  places: number,
): Promise<ClaimedAttempt[]> {
  const now = context.clock.now()
  const devices = places > 0 ? await context.launcher.devices?.() : undefined
  const claimed = await claimQueued(context, {
    owner: me.name,
    leaseExpiresAt: expiry(context, now),
    dead,
    places,
    devices,
  })
  context.telemetry.attempts.leases.inc({ kind: 'queued' }, claimed.length)
  return claimed
}

/** The next one can be claimed at once, by anybody. */
export async function giveBackLease(trx: Transaction<RunnerDatabase>, jobId: number): Promise<void> {
  await trx.updateTable('jobs').set({ lease_owner: null, lease_expires_at: null }).where('id', '=', jobId).execute()
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
