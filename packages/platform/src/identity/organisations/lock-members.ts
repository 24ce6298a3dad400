import type { Transaction } from 'kysely'
import type { IdentityDatabase } from '../db/schema/index.ts'

/** Without the lock, two owners who remove each other at the same time would leave an organisation without an owner. */
export async function lockMembers(trx: Transaction<IdentityDatabase>, organisationId: string): Promise<void> {
  await trx.selectFrom('organisations').select('id').where('id', '=', organisationId).forUpdate().execute()
}
