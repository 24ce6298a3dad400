import type { Transaction } from 'kysely'
import { newId } from '../../system/ids.ts'
import { writeAudit } from '../audit/write-audit.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import { hashSecret, newSecret } from './secrets.ts'

export interface NewToken {
  /** The account's id, or any name for a token that belongs to no account. */
  owner: string
  accountId?: string | undefined
  name: string
  scopes: readonly string[]
  organisationId?: string | undefined
  projectId?: string | undefined
  /** Default: never. */
  expiresAt?: Date | undefined
}

/** Creates a token and its audit row. The secret is returned here and never again. */
export async function createToken(identity: IdentityStore, token: NewToken): Promise<{ id: string; secret: string }> {
  return await identity.database.transaction(async (trx) => {
    const created = await insertToken(trx, 'api', token)
    await writeAudit(identity, trx, {
      actor: token.owner,
      action: 'token.create',
      subject: created.id,
      organisationId: token.organisationId,
      projectId: token.projectId,
      data: { name: token.name, scopes: token.scopes },
    })
    return created
  })
}

export async function insertToken(
  trx: Transaction<IdentityDatabase>,
  kind: 'api' | 'session',
  token: NewToken,
): Promise<{ id: string; secret: string }> {
  const id = newId(kind === 'session' ? 'ses' : 'tok')
  const secret = newSecret()
  await trx
    .insertInto('tokens')
    .values({
      id,
      kind,
      owner: token.owner,
      account_id: token.accountId ?? null,
      organisation_id: token.organisationId ?? null,
      project_id: token.projectId ?? null,
      name: token.name,
      scopes: JSON.stringify(token.scopes),
      secret_hash: hashSecret(secret),
      expires_at: token.expiresAt ?? null,
    })
    .execute()
  return { id, secret }
}
