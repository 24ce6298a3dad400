import { type Selectable, sql } from 'kysely'
import { z } from 'zod'
import type { Database } from '../database/open-database.ts'
import type { Caller } from './caller.ts'
import { loadCaller } from './load-caller.ts'
import { hashSecret, isWellFormedSecret } from './secrets.ts'
import type { AccountRow, IdentityDatabase } from './tables.ts'

type TokenRow = Selectable<IdentityDatabase['tokens']>
const Scopes = z.array(z.string())

/** A token by what was said, or by the id that is remembered of one that was said before. */
export type TokenName = { secret: string } | { id: string }

/** The token behind a secret, unless it is unknown, revoked or expired, or its account is disabled. */
export async function findToken(
  { db }: Database<IdentityDatabase>,
  name: TokenName,
): Promise<{ token: TokenRow; scopes: string[]; account: AccountRow | undefined } | undefined> {
  if ('secret' in name && !isWellFormedSecret(name.secret)) return undefined
  const token = await db
    .selectFrom('tokens')
    .selectAll()
    .where((where) =>
      'secret' in name ? where('secret_hash', '=', hashSecret(name.secret)) : where('id', '=', name.id),
    )
    .where('revoked_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  if (token === undefined) return undefined
  const account =
    token.account_id === null
      ? undefined
      : await db.selectFrom('accounts').selectAll().where('id', '=', token.account_id).executeTakeFirst()
  if (token.account_id !== null && (account === undefined || account.disabled_at !== null)) return undefined
  // Once a minute is exact enough, and spares a write on every request.
  if (token.last_used_at === null || Date.now() - token.last_used_at.getTime() > 60_000) {
    await db.updateTable('tokens').set({ last_used_at: sql<Date>`now()` }).where('id', '=', token.id).execute()
  }
  return { token, scopes: Scopes.parse(token.scopes), account }
}

/** Who speaks with a token; undefined when nobody does. */
export async function findCaller(database: Database<IdentityDatabase>, name: TokenName): Promise<Caller | undefined> {
  const found = await findToken(database, name)
  if (found === undefined) return undefined
  const { token, scopes, account } = found
  const limit = {
    ...(token.organisation_id === null ? {} : { organisationId: token.organisation_id }),
    ...(token.project_id === null ? {} : { projectId: token.project_id }),
  }
  if (account === undefined) {
    // Made by hand for the registry alone: it has scopes and no people behind it.
    return {
      ...{ subject: token.owner, account: undefined, credentials: 'token', tokenId: token.id, scopes, limit },
      ...{ memberships: [], projects: [] },
    }
  }
  return await loadCaller(database.db, {
    ...{ account, tokenId: token.id, limit },
    ...(token.kind === 'session' ? { credentials: 'session' } : { credentials: 'token', scopes }),
  })
}
