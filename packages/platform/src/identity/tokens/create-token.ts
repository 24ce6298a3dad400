import type { Transaction } from 'kysely'
import { lockUntilEnd } from '../../database/lock-until-end.ts'
import { TrainyardError } from '../../errors.ts'
import { newId } from '../../system/ids.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { TokenKind } from '../db/schema/tokens.ts'
import type { AuditActor } from '../permissions/caller.ts'
import { auditToken } from './audit-token.ts'
import { isValid } from './is-valid.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** The number of valid tokens that one owner can have. */
const MAX_TOKENS = 500

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
  /** The token that creates this one, which ends with it. */
  parentId?: string | undefined
}

/**
 * Creates a token and its audit row. The secret is returned here and never again.
 *
 * @param by default: the owner, by a command of the operator
 * @throws TrainyardError `conflict` when the owner has the maximum number of tokens
 */
export async function createToken(
  identity: IdentityStore,
  token: NewToken,
  by: AuditActor = { actor: token.owner },
): Promise<{ id: string; secret: string }> {
  return await identity.database.transaction(async (trx) => {
    await requireFewerTokens(identity, trx, token.owner)
    const created = await insertToken(trx, 'api', token, by)
    const { name, scopes, accountId, organisationId, projectId } = token
    const audited = { id: created.id, name, scopes, accountId, organisationId, projectId }
    await auditToken(identity, trx, { actor: by, action: 'token.create', token: audited })
    return created
  })
}

async function requireFewerTokens(
  { schema }: IdentityStore,
  trx: Transaction<IdentityDatabase>,
  owner: string,
): Promise<void> {
  // Without the lock, concurrent requests would all count the same tokens.
  await lockUntilEnd(trx, `${schema}:tokens:${owner}`)
  const { count } = await trx
    .selectFrom('tokens')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('owner', '=', owner)
    .where('kind', '=', 'api')
    .where(isValid)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MAX_TOKENS)
    throw new TrainyardError(
      'conflict',
      `There are ${MAX_TOKENS} tokens, which is the maximum: revoke one that is not used`,
    )
}

export async function insertToken(
  trx: Transaction<IdentityDatabase>,
  kind: TokenKind,
  token: NewToken,
  by?: AuditActor,
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
      parent_id: token.parentId ?? null,
      created_by: by?.credentials ?? null,
      created_by_id: by?.tokenId ?? null,
      name: token.name,
      scopes: JSON.stringify(token.scopes),
      secret_hash: hashSecret(secret),
      expires_at: token.expiresAt ?? null,
    })
    .execute()
  return { id, secret }
}
