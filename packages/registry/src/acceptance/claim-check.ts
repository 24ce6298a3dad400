import type { CheckResult } from '@trainyard/contract'
import { type Selectable, sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { CheckTable } from '../db/schema/checks.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { createCheckPolicy } from '../versions/check-policy.ts'
import { waitingResults } from '../versions/check-results.ts'

/** A check whose lease this process holds. */
export interface ClaimedCheck extends Selectable<CheckTable> {
  trainer: string
  version: string
  leaseOwner: string
}

const leaseEnd = (context: RegistryContext) =>
  sql<Date>`now() + make_interval(secs => ${context.config.checkLeaseSeconds})`

const ALL_KINDS: readonly PartKind[] = ['bundle', 'image']

interface WaitingCheck {
  id: string
  version_id: number
  kind: PartKind
}

/**
 * The check to run next: one that is waiting, or whose lease has expired because its process died or lost the database.
 * Organisations take turns, so that one with many pushes does not hold up the others, and none has more than its share of
 * running checks. The caller's transaction holds the lock on the queue.
 */
async function findNext(
  context: RegistryContext,
  trx: Transaction<RegistryDatabase>,
  kinds: readonly PartKind[],
): Promise<WaitingCheck | undefined> {
  const { rows } = await sql<WaitingCheck>`
    with running as (
      select r.namespace, count(*) as checks from checks c join repositories r on r.id = c.repository_id
      where c.finished_at is null and c.lease_owner is not null and c.lease_until >= now() group by r.namespace
    ), served as (
      select r.namespace, max(c.claimed_at) as at from checks c join repositories r on r.id = c.repository_id
      where c.claimed_at > now() - interval '1 day' group by r.namespace
    )
    select c.id, c.version_id, c.kind
    from checks c join repositories r on r.id = c.repository_id
      left join running on running.namespace = r.namespace left join served on served.namespace = r.namespace
    where c.finished_at is null and (c.lease_until is null or c.lease_until < now()) and c.kind = any(${kinds})
      and coalesce(running.checks, 0) < ${context.config.checksPerOrganisation ?? 2}
    order by c.priority desc, served.at nulls first, c.queued_at, c.id
    limit 1 for update of c skip locked
  `.execute(trx)
  return rows[0]
}

/** Claims the check of one of these kinds whose turn it is. */
export async function claimCheck(
  context: RegistryContext,
  leaseOwner: string,
  kinds: readonly PartKind[] = ALL_KINDS,
): Promise<ClaimedCheck | undefined> {
  return context.database.transaction(async (trx) => {
    // Without turns, two processes could each take an organisation's last share.
    await sql`select pg_advisory_xact_lock(hashtext(current_schema() || '.checks'))`.execute(trx)
    const waiting = await findNext(context, trx, kinds)
    if (!waiting) return undefined
    const check = await trx
      .updateTable('checks')
      .set({
        state: 'checking',
        lease_owner: leaseOwner,
        lease_until: leaseEnd(context),
        claimed_at: sql`clock_timestamp()`,
        tries: sql`tries + 1`,
        results: toJsonText(waitingResults(waiting.kind, context.config.checkPolicy ?? createCheckPolicy())),
      })
      .where('id', '=', waiting.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await trx
      .updateTable('version_parts')
      .set({ state: 'checking' })
      .where('version_id', '=', waiting.version_id)
      .where('kind', '=', waiting.kind)
      .execute()
    const { version, name } = await trx
      .selectFrom('versions')
      .innerJoin('repositories', 'repositories.id', 'versions.repository_id')
      .select(['versions.version', 'repositories.name'])
      .where('versions.id', '=', waiting.version_id)
      .executeTakeFirstOrThrow()
    return { ...check, trainer: name, version, leaseOwner }
  })
}

/** Extends the lease. Returns false if this process no longer holds it. */
export async function renewLease(context: RegistryContext, check: ClaimedCheck): Promise<boolean> {
  const { numUpdatedRows } = await context.database.db
    .updateTable('checks')
    .set({ lease_until: leaseEnd(context) })
    .where('id', '=', check.id)
    .where('lease_owner', '=', check.leaseOwner)
    .where('finished_at', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Returns the check to the queue at once, without counting the try. */
export async function releaseCheck(context: RegistryContext, check: ClaimedCheck): Promise<void> {
  await context.database.db
    .updateTable('checks')
    .set({ lease_owner: null, lease_until: null, tries: sql`tries - 1` })
    .where('id', '=', check.id)
    .where('lease_owner', '=', check.leaseOwner)
    .where('finished_at', 'is', null)
    .execute()
  await context.database.notify('check_queue', check.id)
}

/** Stores the current results and notifies clients that watch the check. Does nothing if the lease is lost. */
export async function saveProgress(
  context: RegistryContext,
  check: ClaimedCheck,
  results: readonly CheckResult[],
): Promise<void> {
  await context.database.db
    .updateTable('checks')
    .set({ results: toJsonText(results) })
    .where('id', '=', check.id)
    .where('lease_owner', '=', check.leaseOwner)
    .where('finished_at', 'is', null)
    .execute()
  await context.database.notify('checks', check.id)
}
