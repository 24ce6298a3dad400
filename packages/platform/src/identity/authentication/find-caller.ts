import { sql } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../database/open-database.ts'
import type { IdentityStore } from '../db/identity-store.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'
import type { TokenRow } from '../db/schema/tokens.ts'
import type { Caller, CallerLimit } from '../permissions/caller.ts'
import { isValid } from '../tokens/is-valid.ts'
import { hashSecret, isWellFormedSecret } from '../tokens/secrets.ts'
import { type CallerAccount, loadCaller, projectsOfMembership, type StoredMembership } from './load-caller.ts'

const Scopes = z.array(z.string())

/** Identifies a token by its secret, or by the id of a token that was verified before. */
export type TokenKey = { secret: string } | { id: string }

interface ValidToken {
  token: FoundToken
  scopes: string[]
  /** Undefined for a token that belongs to no account. */
  account: CallerAccount | undefined
  memberships: readonly StoredMembership[]
}

type FoundToken = Pick<
  TokenRow,
  'id' | 'kind' | 'owner' | 'account_id' | 'organisation_id' | 'project_id' | 'scopes' | 'expires_at' | 'last_used_at'
>

interface TokenOfAccount extends FoundToken {
  account_email: string | null
  account_name: string | null
  account_operator: boolean | null
  account_disabled_at: Date | null
  memberships: StoredMembership[]
}

type PreparedStatement = Parameters<Database<IdentityDatabase>['query']>[0]

const statements = new Map<string, PreparedStatement>()

/** Each request runs it, so it is prepared, and has all that a caller needs. */
function statementBy(column: 'secret_hash' | 'id', { db }: Database<IdentityDatabase>): PreparedStatement {
  const known = statements.get(column)
  if (known !== undefined) return known
  const { sql: text } = sql`
    select tokens.id, kind, owner, account_id, organisation_id, project_id, scopes, expires_at, last_used_at,
      accounts.email as account_email, accounts.display_name as account_name, accounts.operator as account_operator,
      accounts.disabled_at as account_disabled_at,
      (select coalesce(jsonb_agg(jsonb_build_object('organisationId', memberships.organisation_id,
          'organisation', organisations.slug, 'role', memberships.role, 'projects', ${projectsOfMembership})
          order by memberships.created_at, organisations.id), '[]')
        from memberships join organisations on organisations.id = memberships.organisation_id
        where memberships.account_id = tokens.account_id) as memberships
    from tokens left join accounts on accounts.id = tokens.account_id
    where tokens.${sql.id(column)} = ${''} and ${isValid}`.compile(db)
  const statement = { name: `find-token-by-${column}`, text }
  statements.set(column, statement)
  return statement
}

/**
 * Undefined when the token is unknown, or it or a token that it descends from is revoked or expired, or its account is
 * disabled. Read for each request and never cached, so that an end has effect at once in every process.
 */
export async function findToken({ database }: IdentityStore, key: TokenKey): Promise<ValidToken | undefined> {
  if ('secret' in key && !isWellFormedSecret(key.secret)) return undefined
  const [row] =
    'secret' in key
      ? await database.query<TokenOfAccount>(statementBy('secret_hash', database), [hashSecret(key.secret)])
      : await database.query<TokenOfAccount>(statementBy('id', database), [key.id])
  if (row === undefined) return undefined
  const { account_email: email, account_name, account_operator, account_disabled_at, memberships, ...token } = row
  const account =
    token.account_id === null || account_name === null || account_operator === null
      ? undefined
      : { id: token.account_id, email, display_name: account_name, operator: account_operator }
  if (token.account_id !== null && (account === undefined || account_disabled_at !== null)) return undefined
  // Updated at most once a minute, to avoid a write for every request.
  if (token.last_used_at === null || Date.now() - token.last_used_at.getTime() > 60_000) {
    await database.db.updateTable('tokens').set({ last_used_at: sql<Date>`now()` }).where('id', '=', token.id).execute()
  }
  return { token, scopes: Scopes.parse(token.scopes), account, memberships }
}

const CREDENTIALS = { api: 'token', session: 'session', owner: 'local' } as const

/** The caller that a token or session authenticates; undefined when it is not valid. */
export async function findCaller(identity: IdentityStore, key: TokenKey): Promise<Caller | undefined> {
  const found = await findToken(identity, key)
  if (found === undefined) return undefined
  const { token, scopes, account, memberships: stored } = found
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
    stored,
  })
}
