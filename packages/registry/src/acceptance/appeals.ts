import type { Appeal, CreateAppealRequest, DecideAppealRequest } from '@trainyard/contract'
import { newId, notFound, TrainyardError } from '@trainyard/platform'
import type { Selectable } from 'kysely'
import { type RegistryCaller, requireModerator } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import type { AppealTable } from '../db/schema/appeals.ts'
import { ALWAYS_ON } from '../versions/check-policy.ts'
import { auditCheck, type CheckChanger, findLocked, lockCheck, queueAgain } from './change-check.ts'

type NamedAppeal = Selectable<AppealTable> & { trainer: string; version: string }

const MAX_APPEALS = 200

/** Asks a moderator to publish a rejected version. */
export async function createAppeal(
  context: RegistryContext,
  changer: CheckChanger,
  checkId: string,
  { text }: CreateAppealRequest,
): Promise<void> {
  await context.database.transaction(async (trx) => {
    const check = await lockCheck(trx, changer.caller, checkId)
    if (check.state !== 'rejected')
      throw new TrainyardError(
        'conflict',
        `${check.trainer}:${check.version} is ${check.state}; only a rejected version needs a review`,
      )
    const open = await trx
      .selectFrom('appeals')
      .select('id')
      .where('check_id', '=', checkId)
      .where('state', '=', 'open')
      .executeTakeFirst()
    if (open)
      throw new TrainyardError(
        'conflict',
        'a review of this version was already requested and is waiting for a moderator',
      )
    await trx
      .insertInto('appeals')
      .values({
        id: newId('apl'),
        check_id: checkId,
        state: 'open',
        text,
        created_by: changer.caller.subject,
        created_at: context.clock.now(),
        answer: null,
        decided_by: null,
        decided_at: null,
      })
      .execute()
    await auditCheck(context, trx, changer, { check, action: 'check.appeal', data: { text } })
    await context.database.notify('checks', checkId, trx)
  })
}

/** The newest appeal of a check. */
export async function findAppeal({ database }: RegistryContext, checkId: string): Promise<Appeal | undefined> {
  const row = await selectAppeals(database.db)
    .where('appeals.check_id', '=', checkId)
    .orderBy('appeals.created_at', 'desc')
    .executeTakeFirst()
  return row && toAppeal(row)
}

/** The appeals in a state, oldest first, for moderators. */
export async function listAppeals(
  { database }: RegistryContext,
  caller: RegistryCaller,
  state: Appeal['state'],
): Promise<Appeal[]> {
  requireModerator(caller, 'decide appeals')
  const rows = await selectAppeals(database.db)
    .where('appeals.state', '=', state)
    .orderBy('appeals.created_at')
    .limit(MAX_APPEALS)
    .execute()
  return rows.map(toAppeal)
}

/** Decides an appeal. An approved version is checked again without its errors counting, so that it is published as any other. */
export async function decideAppeal(
  context: RegistryContext,
  changer: CheckChanger,
  id: string,
  { state, note }: DecideAppealRequest & { state: 'approved' | 'refused' },
): Promise<Appeal> {
  requireModerator(changer.caller, 'decide appeals')
  return await context.database.transaction(async (trx) => {
    const appeal = await trx.selectFrom('appeals').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
    const check = appeal && (await findLocked(trx, appeal.check_id))
    if (!appeal || !check) throw notFound('appeal', id)
    if (appeal.state !== 'open') throw new TrainyardError('conflict', `the appeal was already ${appeal.state}`)
    const decided = { state, answer: note, decided_by: changer.caller.subject, decided_at: context.clock.now() }
    await trx.updateTable('appeals').set(decided).where('id', '=', id).execute()
    if (state === 'approved') {
      const manifest = check.results.find(({ name }) => name === ALWAYS_ON)
      if (manifest?.status !== 'passed') {
        const detail = `the check "${ALWAYS_ON}" did not pass, so nothing could be published under this name; refuse the appeal`
        throw new TrainyardError('conflict', detail)
      }
      await queueAgain(context, trx, check)
    } else {
      await context.database.notify('checks', check.id, trx)
    }
    const action = state === 'approved' ? 'appeal.approve' : 'appeal.refuse'
    await auditCheck(context, trx, changer, { check, action, data: { appealId: id, note } })
    return toAppeal({ ...appeal, ...decided, trainer: check.trainer, version: check.version })
  })
}

/** The note of the moderator who approved this check. */
export async function findApproval({ database }: RegistryContext, checkId: string): Promise<string | undefined> {
  const row = await database.db
    .selectFrom('appeals')
    .select('answer')
    .where('check_id', '=', checkId)
    .where('state', '=', 'approved')
    .executeTakeFirst()
  return row?.answer ?? undefined
}

function selectAppeals(db: RegistryContext['database']['db']) {
  return db
    .selectFrom('appeals')
    .innerJoin('checks', 'checks.id', 'appeals.check_id')
    .innerJoin('versions', 'versions.id', 'checks.version_id')
    .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
    .selectAll('appeals')
    .select(['repositories.name as trainer', 'versions.version'])
}

function toAppeal(row: NamedAppeal): Appeal {
  return {
    id: row.id,
    checkId: row.check_id,
    trainer: row.trainer,
    version: row.version,
    state: row.state,
    text: row.text,
    answer: row.answer ?? undefined,
    createdAt: row.created_at.toISOString(),
    decidedAt: row.decided_at?.toISOString(),
  }
}
