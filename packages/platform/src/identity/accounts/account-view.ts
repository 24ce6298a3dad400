import type { Account } from '@trainyard/contract'
import type { AccountRow } from '../db/schema/accounts.ts'

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email ?? undefined,
    displayName: row.display_name,
    operator: row.operator,
    createdAt: row.created_at.toISOString(),
  }
}
