import type { OwnershipProof } from '@trainyard/contract'
import type { ColumnType, Selectable } from 'kysely'

/** A domain or repository that a namespace says that it belongs to. */
export interface NamespaceProofTable {
  id: string
  namespace: string
  kind: OwnershipProof['kind']
  subject: string
  /** What the record or file must contain. It is no secret once it is published. */
  token: string
  created_by: string
  created_at: Date
  verified_at: ColumnType<Date | null, undefined, Date | null>
  checked_at: ColumnType<Date | null, undefined, Date>
  /** The first check after the last one that found it. */
  failing_since: ColumnType<Date | null, undefined, Date | null>
  problem: ColumnType<string | null, undefined, string | null>
}
export type NamespaceProofRow = Selectable<NamespaceProofTable>
