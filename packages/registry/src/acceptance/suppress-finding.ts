import { SUPPRESSIBLE_CHECKS, type SuppressFindingRequest } from '@trainyard/contract'
import { invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'
import { auditCheck, type ChangedCheck, type CheckChanger, lockCheck, queueAgain } from './change-check.ts'

/** Suppresses a finding for every version of the trainer, with a reason that everybody can read. A rejected check runs again. */
export async function suppressFinding(
  context: RegistryContext,
  changer: CheckChanger,
  id: string,
  { fingerprint, reason }: SuppressFindingRequest,
): Promise<void> {
  await context.database.transaction(async (trx) => {
    const check = await lockCheck(trx, changer.caller, id)
    const result = check.results.find(({ findings }) => findings.some((each) => each.fingerprint === fingerprint))
    if (!result) {
      const detail = 'must be the fingerprint of a finding of this check'
      throw invalidRequest([{ path: 'fingerprint', detail, value: fingerprint }])
    }
    if (!SUPPRESSIBLE_CHECKS.includes(result.name)) {
      throw new TrainyardError(
        'forbidden',
        `findings of the check "${result.name}" cannot be suppressed, only those of ${SUPPRESSIBLE_CHECKS.join(', ')}: ` +
          'correct the trainer, or ask for a review if the finding is wrong',
      )
    }
    await trx
      .insertInto('suppressions')
      .values({
        repository_id: check.repository_id,
        check_name: result.name,
        fingerprint,
        reason,
        suppressed_by: changer.caller.subject,
        created_at: context.clock.now(),
      })
      .onConflict((conflict) =>
        conflict
          .columns(['repository_id', 'check_name', 'fingerprint'])
          .doUpdateSet({ reason, suppressed_by: changer.caller.subject, created_at: context.clock.now() }),
      )
      .execute()
    if (mayRunAgain(check)) await queueAgain(context, trx, check)
    const data = { check: result.name, fingerprint, reason }
    await auditCheck(context, trx, changer, { check, action: 'finding.suppress', data })
  })
}

/** Ends a suppression. What is published stays published: the finding counts again for the next push. */
export async function unsuppressFinding(
  context: RegistryContext,
  changer: CheckChanger,
  id: string,
  fingerprint: string,
): Promise<void> {
  await context.database.transaction(async (trx) => {
    const check = await lockCheck(trx, changer.caller, id)
    const { numDeletedRows } = await trx
      .deleteFrom('suppressions')
      .where('repository_id', '=', check.repository_id)
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirstOrThrow()
    if (numDeletedRows === 0n) throw notFound('suppression', fingerprint)
    await auditCheck(context, trx, changer, { check, action: 'finding.unsuppress', data: { fingerprint } })
  })
}

/** Other errors may remain, but the owner sees the same list with one error less. */
function mayRunAgain({ state, finished_at }: ChangedCheck): boolean {
  return state === 'rejected' && finished_at !== null
}
