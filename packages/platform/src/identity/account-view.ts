import type { Account } from '@trainyard/contract'
import type { AccountRow } from './tables.ts'

export function toAccount(row: AccountRow): Account {
  return {
    ...{ id: row.id, displayName: row.display_name, operator: row.operator, createdAt: row.created_at.toISOString() },
    ...(row.email === null ? {} : { email: row.email }),
  }
}
