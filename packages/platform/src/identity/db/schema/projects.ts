import type { Generated } from 'kysely'

export interface ProjectsTable {
  id: string
  organisation_id: string
  slug: string
  display_name: string
  created_at: Generated<Date>
}
