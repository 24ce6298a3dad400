import { type Kysely, sql, type Transaction } from 'kysely'
import type { IdentityStore } from '../db/identity-store.ts'

/** Who did what to which resource, and where. `data` is stored as JSON: no secrets. */
export interface AuditEntry {
  actor: string
  action: string
  subject: string
  organisationId?: string | undefined
  projectId?: string | undefined
  data?: Record<string, unknown> | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: Kysely is invariant in its tables; `unknown` would refuse every caller
export type AnyExecutor = Kysely<any> | Transaction<any>

/** Writes an audit row in the transaction of the action, which may be one of another schema: both commit, or neither. */
export async function writeAudit(
  { schema }: Pick<IdentityStore, 'schema'>,
  executor: AnyExecutor,
  entry: AuditEntry,
): Promise<void> {
  const { actor, action, subject, organisationId = null, projectId = null, data = {} } = entry
  await sql`
    insert into ${sql.id(schema, 'audit')} (actor, action, subject, organisation_id, project_id, data)
    values (${actor}, ${action}, ${subject}, ${organisationId}, ${projectId}, ${JSON.stringify(data)}::jsonb)
  `.execute(executor)
}
