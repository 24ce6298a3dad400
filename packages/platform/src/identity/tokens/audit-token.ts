import type { Kysely } from 'kysely'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { AuditActor } from '../permissions/caller.ts'

/** The parts of a token that decide whom it concerns. */
export interface AuditedToken {
  id: string
  name: string
  scopes: readonly string[]
  accountId: string | undefined
  organisationId: string | undefined
  projectId: string | undefined
}

/**
 * Writes an action on a token to the audit of each organisation in which the token can act: the one that it is limited to,
 * otherwise those of its account, or of the namespaces in its scopes. A token that can act in none has a row without one.
 */
export async function auditToken(
  identity: IdentityStore,
  trx: Kysely<IdentityDatabase>,
  { actor, action, token }: { actor: AuditActor; action: 'token.create' | 'token.revoke'; token: AuditedToken },
): Promise<void> {
  const { id, name, scopes, projectId } = token
  const organisationIds = await organisationsOf(trx, token)
  for (const organisationId of organisationIds.length === 0 ? [undefined] : organisationIds) {
    const data = { scopes }
    await writeAudit(identity, trx, {
      ...actor,
      action,
      subject: id,
      subjectName: name,
      organisationId,
      projectId,
      data,
    })
  }
}

async function organisationsOf(
  trx: Kysely<IdentityDatabase>,
  { organisationId, accountId, scopes }: AuditedToken,
): Promise<string[]> {
  if (organisationId !== undefined) return [organisationId]
  // It can do nothing, anywhere. "IN ()" would be a syntax error.
  if (scopes.length === 0) return []
  const namespaces = scopes.map((scope) => /^(?:push|pull|admin):(.+)$/.exec(scope)?.[1] ?? '*')
  const isEverywhere = namespaces.includes('*')
  // Without an account, only the namespaces are known.
  if (accountId === undefined && isEverywhere && namespaces.every((namespace) => namespace === '*')) return []
  let query = trx.selectFrom('organisations').select('id').orderBy('id')
  if (accountId === undefined || !isEverywhere) query = query.where('slug', 'in', namespaces)
  if (accountId !== undefined)
    query = query.where('id', 'in', (db) =>
      db.selectFrom('memberships').select('organisation_id').where('account_id', '=', accountId),
    )
  return (await query.execute()).map((row) => row.id)
}
