import type { CheckResult } from '@trainyard/contract'
import { type Selectable, sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { CheckTable } from '../db/schema/checks.ts'
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

/**
 * Claims the oldest check that is waiting or whose lease has expired, because its process died or lost the database.
 */
export async function claimCheck(context: RegistryContext, leaseOwner: string): Promise<ClaimedCheck | undefined> {
  return context.database.transaction(async (trx) => {
    const waiting = await trx
      .selectFrom('checks')
      .select(['id', 'version_id', 'kind'])
      .where('finished_at', 'is', null)
      .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', sql<Date>`now()`)]))
      .orderBy('created_at')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (!waiting) return undefined
    const check = await trx
      .updateTable('checks')
      .set({
        state: 'checking',
        lease_owner: leaseOwner,
        lease_until: leaseEnd(context),
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
