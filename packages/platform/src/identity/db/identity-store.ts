import type { Database } from '../../database/open-database.ts'
import type { IdentityDatabase } from './schema/index.ts'

/** The opened schema of identities. Every function of identity that reads or writes takes it. */
export interface IdentityStore {
  /** The schema's name, for statements that run in a transaction of another schema. */
  readonly schema: string
  readonly database: Database<IdentityDatabase>
}
