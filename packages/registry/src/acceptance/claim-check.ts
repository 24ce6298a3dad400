import type { CheckResult } from '@trainyard/contract'
import { type Selectable, sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { CheckTable } from '../db/schema/checks.ts'
import { waitingResults } from '../versions/check-results.ts'

/** A check that this process holds the lease of. */
export interface ClaimedCheck extends Selectable<CheckTable> {
  trainer: string
  version: string
  leaseOwner: string
}

const leaseEnd = (context: RegistryContext) =>
  sql<Date>`now() + make_interval(secs => ${context.config.checkLeaseSeconds})`

/** Takes the oldest check that waits, or whose lease ran out: its process died, or cannot reach the database. */
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
        results: toJsonText(waitingResults()),
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

/** Whether the lease is still ours, for another while. */
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

/** Gives the check back, untried, for another process to take at once. */
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

/** Stores how far the check is and wakes those who watch. Nothing happens when the lease is lost. */
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
