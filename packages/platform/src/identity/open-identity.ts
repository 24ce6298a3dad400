import type { SignInCode } from '@trainyard/contract'
import { openDatabase } from '../database/open-database.ts'
import type { Logger } from '../log.ts'
import { AccessChanges } from './access-changes/access-changes.ts'
import { type ListAuditOptions, listAudit, type StoredAuditEntry } from './audit/list-audit.ts'
import { type AnyExecutor, type AuditEntry, writeAudit } from './audit/write-audit.ts'
import { findCaller, findToken } from './authentication/find-caller.ts'
import type { IdentityStore } from './db/identity-store.ts'
import { identityMigrations } from './db/migrations/index.ts'
import type { IdentityDatabase } from './db/schema/index.ts'
import { createOwnerToken, keepOwnerToken, type OwnerToken } from './local-owner/owner-token.ts'
import { createSignInCode } from './local-owner/sign-in-codes.ts'
import type { Caller } from './permissions/caller.ts'
import { countWrongGuess, type Guess } from './rate-limits/guess-limits.ts'
import { replaceSetupSecret } from './setup/setup-secret.ts'
import { createToken, type NewToken } from './tokens/create-token.ts'
import { type IdentityToken, listTokens } from './tokens/list-tokens.ts'
import { type RevokeTokenOptions, revokeToken, revokeTokensOf } from './tokens/revoke-token.ts'

export interface OpenIdentityOptions {
  /** The PostgreSQL of the servers that share identities. */
  url: string
  /** Precedes the schema's name `identity`, so that tests have a schema of their own. Default: none. */
  schemaPrefix?: string | undefined
  logger?: Logger | undefined
}

/** The opened schema of identities, with the operations that the servers use outside of the identity routes. */
export interface Identity extends IdentityStore {
  /** See {@link createToken}. */
  createToken(token: NewToken): Promise<{ id: string; secret: string }>
  /** Undefined when the token is unknown, revoked or expired. */
  verifyToken(secret: string): Promise<{ id: string; owner: string; scopes: string[] } | undefined>
  /** The caller that a token or session authenticates; undefined when it is unknown, revoked or expired. */
  findCaller(secret: string): Promise<Caller | undefined>
  /** The same by the id of a token that was verified before, so that what it granted ends with it. */
  findCallerOfToken(id: string): Promise<Caller | undefined>
  /** See {@link listTokens}. */
  listTokens(owner: string): Promise<IdentityToken[]>
  /** See {@link revokeToken}. */
  revokeToken(id: string, owner: string): Promise<void>
  /** See {@link revokeTokensOf}. */
  revokeTokensOf(executor: AnyExecutor, options: RevokeTokenOptions): Promise<void>
  /** See {@link countWrongGuess}. */
  countWrongGuess(guess: Guess): Promise<void>
  /** Replaces the secret that the first account needs. */
  replaceSetupSecret(): Promise<string>
  /** See {@link keepOwnerToken}. */
  keepOwnerToken(dataDir: string): Promise<OwnerToken>
  /** See {@link createOwnerToken}. */
  createOwnerToken(name: string): Promise<string>
  /** A code that signs a browser in as the local owner, once. */
  createSignInCode(): Promise<SignInCode>
  /** See {@link writeAudit}. */
  audit(executor: AnyExecutor, entry: AuditEntry): Promise<void>
  /**
   * Calls a handler when a token, session or membership has ended or changed, in any process: for connections that stay open.
   * Returns a function that removes it.
   */
  watchAccess(handler: () => void): () => void
  /** Newest first. */
  listAudit(options?: ListAuditOptions): Promise<StoredAuditEntry[]>
  close(): Promise<void>
}

/** Accounts, organisations, projects, tokens and audit, in one schema that registry and runner share. */
export async function openIdentity({ url, schemaPrefix = '', logger }: OpenIdentityOptions): Promise<Identity> {
  const schema = `${schemaPrefix}identity`
  const database = await openDatabase<IdentityDatabase>({
    url,
    schema,
    migrations: identityMigrations,
    poolSize: 5,
    logger,
  })
  const store: IdentityStore = { schema, database }
  const access = new AccessChanges(store, logger)
  return {
    ...store,
    createToken: (token) => createToken(store, token),
    async verifyToken(secret) {
      const found = await findToken(store, { secret })
      return found && { id: found.token.id, owner: found.token.owner, scopes: found.scopes }
    },
    findCaller: (secret) => findCaller(store, { secret }),
    findCallerOfToken: (id) => findCaller(store, { id }),
    listTokens: (owner) => listTokens(store, owner),
    revokeToken: (id, owner) => revokeToken(store, id, { owner }),
    revokeTokensOf: (executor, options) => revokeTokensOf(store, executor, options),
    keepOwnerToken: (dataDir) => keepOwnerToken(store, dataDir),
    createOwnerToken: (name) => createOwnerToken(store, name),
    createSignInCode: () => createSignInCode(store),
    countWrongGuess: (guess) => countWrongGuess(database.db, guess),
    replaceSetupSecret: () => replaceSetupSecret(store),
    audit: (executor, entry) => writeAudit(store, executor, entry),
    listAudit: (options) => listAudit(store, options),
    watchAccess: (handler) => access.watch(handler),
    async close() {
      await access.close()
      await database.close()
    },
  }
}
