import { sql } from 'kysely'
import { z } from 'zod'
import type { IdentityStore } from '../db/identity-store.ts'
import type { TokenRow } from '../db/schema/tokens.ts'
import type { Caller, CallerLimit } from '../permissions/caller.ts'
import { isValid } from '../tokens/is-valid.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'
import { type CallerAccount, loadCaller } from './load-caller.ts'

const Scopes = z.array(z.string())

/** Identifies a token by its secret, or by the id of a token that was verified before. */
export type TokenKey = { secret: string } | { id: string }

interface ValidToken {
  token: TokenRow
  scopes: string[]
  /** Undefined for a token that belongs to no account. */
  account: CallerAccount | undefined
}

/**
 * Undefined when the token is unknown, or it or a token that it descends from is revoked or expired, or its account is
 * disabled. Read for each request and never cached, so that an end has effect at once in every process.
 */
export async function findToken({ database: { db } }: IdentityStore, key: TokenKey): Promise<ValidToken | undefined> {
  if ('secret' in key && !isWellFormedSecret(key.secret)) return undefined
  const row = await db
    .selectFrom('tokens')
    .leftJoin('accounts', 'accounts.id', 'tokens.account_id')
    .selectAll('tokens')
    .select([
      'accounts.email as account_email',
      'accounts.display_name as account_name',
      'accounts.operator as account_operator',
      'accounts.disabled_at as account_disabled_at',
    ])
    .where((where) =>
      'secret' in key ? where('tokens.secret_hash', '=', hashSecret(key.secret)) : where('tokens.id', '=', key.id),
    )
    .where(isValid)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { account_email: email, account_name, account_operator, account_disabled_at, ...token } = row
  const account =
    token.account_id === null || account_name === null || account_operator === null
      ? undefined
      : { id: token.account_id, email, display_name: account_name, operator: account_operator }
  if (token.account_id !== null && (account === undefined || account_disabled_at !== null)) return undefined
  // Updated at most once a minute, to avoid a write for every request.
  if (token.last_used_at === null || Date.now() - token.last_used_at.getTime() > 60_000) {
    await db.updateTable('tokens').set({ last_used_at: sql<Date>`now()` }).where('id', '=', token.id).execute()
  }
  return { token, scopes: Scopes.parse(token.scopes), account }
}

const CREDENTIALS = { api: 'token', session: 'session', owner: 'local' } as const

/** The caller that a token or session authenticates; undefined when it is not valid. */
export async function findCaller(identity: IdentityStore, key: TokenKey): Promise<Caller | undefined> {
  const found = await findToken(identity, key)
  if (found === undefined) return undefined
  const { token, scopes, account } = found
  const limit: CallerLimit = {
    organisationId: token.organisation_id ?? undefined,
    projectId: token.project_id ?? undefined,
  }
  if (account === undefined) {
    // A token that an operator created for the registry: it has scopes, and no account or memberships.
    return {
      subject: token.owner,
      account: undefined,
      credentials: 'token',
      tokenId: token.id,
      expiresAt: token.expires_at ?? undefined,
      scopes,
      limit,
      memberships: [],
      projects: [],
    }
  }
  return await loadCaller(identity.database.db, {
    account,
    credentials: CREDENTIALS[token.kind],
    tokenId: token.id,
    expiresAt: token.expires_at ?? undefined,
    scopes: token.kind === 'api' ? scopes : undefined,
    limit,
  })
}
