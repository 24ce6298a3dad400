import { type Kysely, sql, type Transaction } from 'kysely'
import { z } from 'zod'
import { openDatabase } from '../database/open-database.ts'
import { TrainyardError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newId } from '../system/ids.ts'
import { hashSecret, isWellFormedSecret, newSecret } from './secrets.ts'
import { type IdentityDatabase, identityMigrations } from './tables.ts'

export interface OpenIdentityOptions {
  /** The PostgreSQL of the servers that share identities. */
  url: string
  /** Goes before the schema's name `identity`: tests use one of their own. Default: none. */
  schemaPrefix?: string
  logger?: Logger
}

/** A token as its owner may see it: never with its secret. */
export interface IdentityToken {
  id: string
  owner: string
  name: string
  scopes: string[]
  createdAt: Date
  expiresAt: Date | undefined
  lastUsedAt: Date | undefined
}

/** Who did what to which thing. `data` is kept as JSON: no secrets. */
export interface AuditEntry {
  actor: string
  action: string
  subject: string
  data?: Record<string, unknown>
}

export interface StoredAuditEntry extends Required<AuditEntry> {
  id: number
  at: Date
}

// The audit row is written within a caller's transaction, whatever tables that one knows.
// biome-ignore lint/suspicious/noExplicitAny: Kysely is invariant in its tables; `unknown` would refuse every caller
type AnyExecutor = Kysely<any> | Transaction<any>

export interface Identity {
  readonly schema: string
  /** The secret is shown here and never again. */
  createToken(options: {
    owner: string
    name: string
    scopes: string[]
    expiresAt?: Date
  }): Promise<{ id: string; secret: string }>
  /** Undefined: unknown, revoked or expired. */
  verifyToken(secret: string): Promise<{ id: string; owner: string; scopes: string[] } | undefined>
  /** Those that are not revoked, newest first. */
  listTokens(owner: string): Promise<IdentityToken[]>
  /** @throws TrainyardError `not_found`, also for a token of someone else */
  revokeToken(id: string, owner: string): Promise<void>
  /** Writes an audit row; in the given transaction, so that deed and row are both there or neither. */
  audit(executor: AnyExecutor, entry: AuditEntry): Promise<void>
  /** Newest first. */
  listAudit(options?: { subject?: string; limit?: number }): Promise<StoredAuditEntry[]>
  close(): Promise<void>
}

const Scopes = z.array(z.string())
const Data = z.record(z.string(), z.unknown())

/** Tokens and audit, in a schema of their own that registry and runner share. */
export async function openIdentity({ url, schemaPrefix = '', logger }: OpenIdentityOptions): Promise<Identity> {
  const schema = `${schemaPrefix}identity`
  const database = await openDatabase<IdentityDatabase>({
    ...{ url, schema, migrations: identityMigrations, poolSize: 5 },
    ...(logger === undefined ? {} : { logger }),
  })
  const { db } = database
  return {
    schema,
    async createToken({ owner, name, scopes, expiresAt }) {
      const id = newId('tok')
      const secret = newSecret()
      await db
        .insertInto('tokens')
        .values({
          ...{ id, owner, name, scopes: JSON.stringify(scopes) },
          ...{ secret_hash: hashSecret(secret), expires_at: expiresAt ?? null },
        })
        .execute()
      return { id, secret }
    },
    async verifyToken(secret) {
      if (!isWellFormedSecret(secret)) return undefined
      const row = await db
        .selectFrom('tokens')
        .select(['id', 'owner', 'scopes', 'last_used_at'])
        .where('secret_hash', '=', hashSecret(secret))
        .where('revoked_at', 'is', null)
        .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', sql<Date>`now()`)]))
        .executeTakeFirst()
      if (row === undefined) return undefined
      // Once a minute is exact enough, and spares a write on every request.
      if (row.last_used_at === null || Date.now() - row.last_used_at.getTime() > 60_000) {
        await db.updateTable('tokens').set({ last_used_at: sql<Date>`now()` }).where('id', '=', row.id).execute()
      }
      return { id: row.id, owner: row.owner, scopes: Scopes.parse(row.scopes) }
    },
    async listTokens(owner) {
      const rows = await db
        .selectFrom('tokens')
        .selectAll()
        .where('owner', '=', owner)
        .where('revoked_at', 'is', null)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        owner: row.owner,
        name: row.name,
        scopes: Scopes.parse(row.scopes),
        createdAt: row.created_at,
        expiresAt: row.expires_at ?? undefined,
        lastUsedAt: row.last_used_at ?? undefined,
      }))
    },
    async revokeToken(id, owner) {
      const { numUpdatedRows } = await db
        .updateTable('tokens')
        .set({ revoked_at: sql<Date>`now()` })
        .where('id', '=', id)
        .where('owner', '=', owner)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw new TrainyardError('not_found', `There is no token "${id}" of yours here`)
    },
    async audit(executor, { actor, action, subject, data = {} }) {
      await sql`insert into ${sql.id(schema, 'audit')} (actor, action, subject, data)
        values (${actor}, ${action}, ${subject}, ${JSON.stringify(data)}::jsonb)`.execute(executor)
    },
    async listAudit({ subject, limit = 100 } = {}) {
      let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
      if (subject !== undefined) query = query.where('subject', '=', subject)
      return (await query.execute()).map((row) => ({ ...row, data: Data.parse(row.data) }))
    },
    close: () => database.close(),
  }
}
