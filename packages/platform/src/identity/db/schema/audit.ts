import type { ColumnType, Generated } from 'kysely'

export interface AuditTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  action: string
  subject: string
  organisation_id: string | null
  project_id: string | null
  data: ColumnType<unknown, string, never>
}
