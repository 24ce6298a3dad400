import type { Generated } from 'kysely'

/** `digest` is that of the part pushed first. It changes only while that part is not published. */
export interface VersionTable {
  id: Generated<number>
  repository_id: number
  version: string
  digest: string
  created_at: Generated<Date>
}
