import { sql } from 'kysely'
import { notFound } from '../../errors.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'

/**
 * Revokes a token or session at once, and writes the audit row.
 *
 * @throws TrainyardError `not_found`, also for a token of another owner
 */
export async function revokeToken(identity: IdentityStore, id: string, owner: string): Promise<void> {
  await identity.database.transaction(async (trx) => {
    const row = await trx
      .updateTable('tokens')
      .set({ revoked_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('revoked_at', 'is', null)
      .returning(['kind', 'organisation_id'])
      .executeTakeFirst()
    if (row === undefined) throw notFound('token', id)
    await writeAudit(identity, trx, {
      actor: owner,
      action: row.kind === 'session' ? 'session.end' : 'token.revoke',
      subject: id,
      organisationId: row.organisation_id ?? undefined,
    })
  })
}
