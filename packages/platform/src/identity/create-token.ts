import type { Transaction } from 'kysely'
import { newId } from '../system/ids.ts'
import type { Identity } from './open-identity.ts'
import { hashSecret, newSecret } from './secrets.ts'
import type { IdentityDatabase } from './tables.ts'

export interface NewToken {
  /** The account's id, or any name for a token that belongs to no account. */
  owner: string
  accountId?: string
  name: string
  scopes: readonly string[]
  organisationId?: string
  projectId?: string
  expiresAt?: Date
}

/** Makes a token, with its audit row. The secret is shown here and never again. */
export async function createToken(identity: Identity, token: NewToken): Promise<{ id: string; secret: string }> {
  return await identity.database.transaction(async (trx) => {
    const made = await insertToken(trx, { ...token, kind: 'api' })
    await identity.audit(trx, {
      ...{ actor: token.owner, action: 'token.create', subject: made.id },
      ...(token.organisationId === undefined ? {} : { organisationId: token.organisationId }),
      ...(token.projectId === undefined ? {} : { projectId: token.projectId }),
      data: { name: token.name, scopes: token.scopes },
    })
    return made
  })
}

export async function insertToken(
  trx: Transaction<IdentityDatabase>,
  token: NewToken & { kind: 'api' | 'session' },
): Promise<{ id: string; secret: string }> {
  const id = newId(token.kind === 'session' ? 'ses' : 'tok')
  const secret = newSecret()
  await trx
    .insertInto('tokens')
    .values({
      ...{ id, kind: token.kind, owner: token.owner, name: token.name, scopes: JSON.stringify(token.scopes) },
      ...{ account_id: token.accountId ?? null, organisation_id: token.organisationId ?? null },
      ...{ project_id: token.projectId ?? null, secret_hash: hashSecret(secret), expires_at: token.expiresAt ?? null },
    })
    .execute()
  return { id, secret }
}
