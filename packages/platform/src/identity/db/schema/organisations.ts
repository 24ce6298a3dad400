import type { Generated } from 'kysely'

export interface OrganisationsTable {
  id: string
  /** Also a namespace of the registry. */
  slug: string
  display_name: string
  created_at: Generated<Date>
}
