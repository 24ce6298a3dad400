import { sql } from 'kysely'
import { TrainyardError } from '../errors.ts'
import type { Identity } from './open-identity.ts'

/**
 * Ends a token or session at once, with its audit row.
 *
 * @throws TrainyardError `not_found`, also for a token of someone else
 */
export async function revokeToken(identity: Identity, id: string, owner: string): Promise<void> {
  await identity.database.transaction(async (trx) => {
    const row = await trx
      .updateTable('tokens')
      .set({ revoked_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('revoked_at', 'is', null)
      .returning(['kind', 'organisation_id'])
      .executeTakeFirst()
    if (row === undefined) throw new TrainyardError('not_found', `There is no token "${id}" of yours here`)
    await identity.audit(trx, {
      ...{ actor: owner, action: row.kind === 'session' ? 'session.end' : 'token.revoke', subject: id },
      ...(row.organisation_id === null ? {} : { organisationId: row.organisation_id }),
    })
  })
}
