import type { Generated } from 'kysely'

/** Links a blob to a repository. */
export interface RepositoryBlobTable {
  repository_id: number
  digest: string
  created_at: Generated<Date>
}
