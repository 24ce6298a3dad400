import type { ColumnType, Generated } from 'kysely'

export interface AuditTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  action: string
  subject: string
  organisation_id: string | null
  project_id: string | null
  /** The names at the time of the action. */
  actor_name: string | null
  subject_name: string | null
  /** How the actor was authenticated. Null: the platform itself, or before this was recorded. */
  credentials: string | null
  /** The token or session that was used. */
  token_id: string | null
  token_name: string | null
  /** The client's address. */
  address: string | null
  data: ColumnType<unknown, string, never>
}
