import type { RegistryContext } from '../context.ts'
import { auditCheck, type CheckChanger, lockCheck, queueAgain } from './change-check.ts'

/** Runs a check again: one that was rejected, or one that waits after an error. */
export async function retryCheck(context: RegistryContext, changer: CheckChanger, id: string): Promise<void> {
  await context.database.transaction(async (trx) => {
    const check = await lockCheck(trx, changer.caller, id)
    await queueAgain(context, trx, check)
    await auditCheck(context, trx, changer, { check, action: 'check.retry' })
  })
}
