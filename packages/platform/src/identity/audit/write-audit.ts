import { type Kysely, sql, type Transaction } from 'kysely'
import type { IdentityStore } from '../db/identity-store.ts'
import type { AuditActor } from '../permissions/caller.ts'

/** Who did what to which resource, and where. `data` is stored as JSON: no secrets. */
export interface AuditEntry extends AuditActor {
  action: string
  subject: string
  /** The name that people know the subject by. Default: the subject's id says enough. */
  subjectName?: string | undefined
  organisationId?: string | undefined
  /** The organisation's slug, where its id is not known. */
  organisation?: string | undefined
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
  const { actor, action, subject, subjectName = null, organisationId = null, organisation = null } = entry
  const { projectId = null, data = {}, credentials = null, tokenId = null, address = null } = entry
  const table = (name: string) => sql.id(schema, name)
  await sql`
    insert into ${table('audit')} (actor, actor_name, credentials, token_id, token_name, address,
      action, subject, subject_name, organisation_id, project_id, data)
    values (${actor}, (select display_name from ${table('accounts')} where id = ${actor}), ${credentials}, ${tokenId},
      (select name from ${table('tokens')} where id = ${tokenId} and kind = 'api'), ${address},
      ${action}, ${subject}, ${subjectName},
      coalesce(${organisationId}, (select id from ${table('organisations')} where slug = ${organisation})),
      ${projectId}, ${JSON.stringify(data)}::jsonb)
  `.execute(executor)
}
