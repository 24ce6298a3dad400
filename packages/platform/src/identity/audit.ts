import { type Kysely, sql, type Transaction } from 'kysely'
import { z } from 'zod'
import type { Database } from '../database/open-database.ts'
import type { IdentityDatabase } from './tables.ts'

/** Who did what to which thing, and where. `data` is kept as JSON: no secrets. */
export interface AuditEntry {
  actor: string
  action: string
  subject: string
  organisationId?: string
  projectId?: string
  data?: Record<string, unknown>
}

export interface StoredAuditEntry extends AuditEntry {
  id: number
  at: Date
  data: Record<string, unknown>
}

// The audit row is written within a caller's transaction, whatever tables that one knows.
// biome-ignore lint/suspicious/noExplicitAny: Kysely is invariant in its tables; `unknown` would refuse every caller
export type AnyExecutor = Kysely<any> | Transaction<any>

/** Writes an audit row; in the given transaction, so that deed and row are both there or neither. */
export async function writeAudit(schema: string, executor: AnyExecutor, entry: AuditEntry): Promise<void> {
  const { actor, action, subject, organisationId = null, projectId = null, data = {} } = entry
  await sql`
    insert into ${sql.id(schema, 'audit')} (actor, action, subject, organisation_id, project_id, data)
    values (${actor}, ${action}, ${subject}, ${organisationId}, ${projectId}, ${JSON.stringify(data)}::jsonb)
  `.execute(executor)
}

export interface ListAuditOptions {
  subject?: string
  organisationId?: string
  /** Only rows with a smaller id: the last one of the page before. */
  before?: number
  /** Default: 100. */
  limit?: number
}

const Data = z.record(z.string(), z.unknown())

/** Newest first. */
export async function listAudit(
  { db }: Database<IdentityDatabase>,
  { subject, organisationId, before, limit = 100 }: ListAuditOptions = {},
): Promise<StoredAuditEntry[]> {
  let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (organisationId !== undefined) query = query.where('organisation_id', '=', organisationId)
  if (before !== undefined) query = query.where('id', '<', before)
  const rows = await query.execute()
  return rows.map(({ id, at, actor, action, subject: about, organisation_id, project_id, data }) => ({
    ...{ id, at, actor, action, subject: about, data: Data.parse(data) },
    ...(organisation_id === null ? {} : { organisationId: organisation_id }),
    ...(project_id === null ? {} : { projectId: project_id }),
  }))
}
