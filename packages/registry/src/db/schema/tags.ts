import type { Generated } from 'kysely'

export interface TagTable {
  repository_id: number
  name: string
  digest: string
  updated_at: Generated<Date>
}
