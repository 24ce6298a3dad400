import { notFound, TrainyardError } from '@trainyard/platform'
import { type Selectable, sql, type Transaction } from 'kysely'
import { type RegistryCaller, requireCredentials } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { CheckTable } from '../db/schema/checks.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { statesBefore } from '../versions/states.ts'

/** A check, with the names of what was pushed. */
export interface ChangedCheck extends Selectable<CheckTable> {
  trainer: string
  namespace: string
  version: string
}

/** Who changes a check, and from where. */
export interface CheckChanger {
  caller: RegistryCaller
  address: string
}

/** Finds a check that the caller may change, and locks it. */
export async function lockCheck(
  trx: Transaction<RegistryDatabase>,
  caller: RegistryCaller,
  id: string,
): Promise<ChangedCheck> {
  const check = await findLocked(trx, id)
  if (!check || (check.state !== 'published' && !caller.may('inspect', check.trainer))) throw notFound('check', id)
  requireCredentials(caller)
  if (caller.may('push', check.trainer)) return check
  throw new TrainyardError(
    'forbidden',
    `changing the checks of ${check.trainer} requires the permission to push to "${check.namespace}"`,
  )
}

/** The same without permissions, for moderators. */
export async function findLocked(trx: Transaction<RegistryDatabase>, id: string): Promise<ChangedCheck | undefined> {
  return await trx
    .selectFrom('checks')
    .innerJoin('versions', 'versions.id', 'checks.version_id')
    .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
    .selectAll('checks')
    .select(['versions.version', 'repositories.name as trainer', 'repositories.namespace'])
    .where('checks.id', '=', id)
    .forUpdate('checks')
    .executeTakeFirst()
}

export async function auditCheck(
  { identity }: Pick<RegistryContext, 'identity'>,
  trx: Transaction<RegistryDatabase>,
  { caller, address }: CheckChanger,
  { check, action, data = {} }: { check: ChangedCheck; action: string; data?: Record<string, unknown> | undefined },
): Promise<void> {
  await identity.audit(trx, {
    ...caller.actor,
    address,
    organisation: check.namespace,
    action,
    subject: `${check.trainer}:${check.version}`,
    data: { checkId: check.id, ...data },
  })
}

/**
 * Puts a check that was rejected, or that waits after an error, at its place in the queue again.
 *
 * @throws TrainyardError `conflict` if it cannot run again
 */
export async function queueAgain(
  { database }: Pick<RegistryContext, 'database'>,
  trx: Transaction<RegistryDatabase>,
  check: ChangedCheck,
): Promise<void> {
  const subject = `${check.trainer}:${check.version}`
  if (check.finished_at !== null && check.state !== 'rejected')
    throw new TrainyardError('conflict', `${subject} is ${check.state}; only a rejected or waiting check can run again`)
  if (check.lease_owner !== null && (check.lease_until?.getTime() ?? 0) > Date.now())
    throw new TrainyardError('conflict', `the checks of ${subject} are running; wait for their result`)
  const { numUpdatedRows } = await trx
    .updateTable('version_parts')
    .set({ state: 'received', state_reason: null })
    .where('check_id', '=', check.id)
    .where('state', 'in', [...statesBefore('received'), 'received', 'checking'])
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n)
    throw new TrainyardError(
      'conflict',
      `${subject} was pushed again after this check; see the checks of the newer push`,
    )
  await trx
    .updateTable('checks')
    .set({
      state: 'received',
      finished_at: null,
      lease_owner: null,
      lease_until: null,
      tries: 0,
      queued_at: sql`now()`,
    })
    .where('id', '=', check.id)
    .execute()
  await database.notify('check_queue', check.id, trx)
  await database.notify('checks', check.id, trx)
}
