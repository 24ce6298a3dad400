import type { Generated } from 'kysely'

/** Links a blob to a repository. */
export interface RepositoryBlobTable {
  repository_id: number
  digest: string
  /** The repository to which the blob was pushed, if it was mounted from there. */
  mounted_from: number | null
  created_at: Generated<Date>
}
