import { z } from 'zod'
import type { IdentityStore } from '../db/identity-store.ts'
import type { CallerCredentials } from '../permissions/caller.ts'
import type { AuditEntry } from './write-audit.ts'

export interface StoredAuditEntry extends AuditEntry {
  id: number
  at: Date
  actorName: string | undefined
  /** Undefined for a session, which has no name. */
  tokenName: string | undefined
  data: Record<string, unknown>
}

export interface ListAuditOptions {
  subject?: string | undefined
  organisationId?: string | undefined
  /** Only rows with a smaller id: the last id of the previous page. */
  before?: number | undefined
  /** Default: 100. */
  limit?: number | undefined
}

const Credentials = z.enum(['local', 'session', 'token', 'issuer'] satisfies CallerCredentials[])
const Data = z.record(z.string(), z.unknown())

/** Newest first. */
export async function listAudit(
  { database }: IdentityStore,
  { subject, organisationId, before, limit = 100 }: ListAuditOptions = {},
): Promise<StoredAuditEntry[]> {
  let query = database.db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (organisationId !== undefined) query = query.where('organisation_id', '=', organisationId)
  if (before !== undefined) query = query.where('id', '<', before)
  const rows = await query.execute()
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    actor: row.actor,
    actorName: row.actor_name ?? undefined,
    credentials: Credentials.safeParse(row.credentials).data,
    tokenId: row.token_id ?? undefined,
    tokenName: row.token_name ?? undefined,
    address: row.address ?? undefined,
    action: row.action,
    subject: row.subject,
    subjectName: row.subject_name ?? undefined,
    organisationId: row.organisation_id ?? undefined,
    projectId: row.project_id ?? undefined,
    data: Data.parse(row.data),
  }))
}
