import type { Role } from '@trainyard/contract'
import type { Generated } from 'kysely'

export interface MembershipsTable {
  organisation_id: string
  account_id: string
  role: Role
  created_at: Generated<Date>
}
