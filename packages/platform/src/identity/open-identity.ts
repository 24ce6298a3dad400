import { type Database, openDatabase } from '../database/open-database.ts'
import type { Logger } from '../log.ts'
import {
  type AnyExecutor,
  type AuditEntry,
  type ListAuditOptions,
  listAudit,
  type StoredAuditEntry,
  writeAudit,
} from './audit.ts'
import type { Caller } from './caller.ts'
import { createToken, type NewToken } from './create-token.ts'
import { findCaller, findToken } from './find-caller.ts'
import { type IdentityToken, listTokens } from './list-tokens.ts'
import { identityMigrations } from './migrations.ts'
import { revokeToken } from './revoke-token.ts'
import type { IdentityDatabase } from './tables.ts'

export interface OpenIdentityOptions {
  /** The PostgreSQL of the servers that share identities. */
  url: string
  /** Goes before the schema's name `identity`: tests use one of their own. Default: none. */
  schemaPrefix?: string
  logger?: Logger
}

/** People, what they may do, and what they did. */
export interface Identity {
  readonly schema: string
  readonly database: Database<IdentityDatabase>
  /** See {@link createToken}. */
  createToken(token: NewToken): Promise<{ id: string; secret: string }>
  /** Undefined: unknown, revoked or expired. */
  verifyToken(secret: string): Promise<{ id: string; owner: string; scopes: string[] } | undefined>
  /** Who speaks with a token or session, and what they may; undefined: unknown, revoked or expired. */
  findCaller(secret: string): Promise<Caller | undefined>
  /** The same for whoever showed the token of this id before: what was given for it ends with it. */
  findCallerOfToken(id: string): Promise<Caller | undefined>
  /** Those that are not revoked, newest first. */
  listTokens(owner: string): Promise<IdentityToken[]>
  /** See {@link revokeToken}. */
  revokeToken(id: string, owner: string): Promise<void>
  /** Writes an audit row; in the given transaction, so that deed and row are both there or neither. */
  audit(executor: AnyExecutor, entry: AuditEntry): Promise<void>
  /** Newest first. */
  listAudit(options?: ListAuditOptions): Promise<StoredAuditEntry[]>
  close(): Promise<void>
}

/** Accounts, organisations, projects, tokens and audit, in a schema of their own that registry and runner share. */
export async function openIdentity({ url, schemaPrefix = '', logger }: OpenIdentityOptions): Promise<Identity> {
  const schema = `${schemaPrefix}identity`
  const database = await openDatabase<IdentityDatabase>({
    ...{ url, schema, migrations: identityMigrations, poolSize: 5 },
    ...(logger === undefined ? {} : { logger }),
  })
  const identity: Identity = {
    schema,
    database,
    createToken: (token) => createToken(identity, token),
    async verifyToken(secret) {
      const found = await findToken(database, { secret })
      return found && { id: found.token.id, owner: found.token.owner, scopes: found.scopes }
    },
    findCaller: (secret) => findCaller(database, { secret }),
    findCallerOfToken: (id) => findCaller(database, { id }),
    listTokens: (owner) => listTokens(identity, owner),
    revokeToken: (id, owner) => revokeToken(identity, id, owner),
    audit: (executor, entry) => writeAudit(schema, executor, entry),
    listAudit: (options) => listAudit(database, options),
    close: () => database.close(),
  }
  return identity
}
