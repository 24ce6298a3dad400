import type { TaskType, Trust } from '@trainyard/contract'
import type { ColumnType, Generated } from 'kysely'

/** A trainer's name, and what the catalogue shows of its latest published version. */
export interface RepositoryTable {
  id: Generated<number>
  name: string
  namespace: string
  pulls: Generated<number>
  latest_version: string | null
  display_name: Generated<string>
  description: Generated<string>
  framework: Generated<string>
  license: Generated<string>
  task_types: Generated<TaskType[]>
  keywords: Generated<string[]>
  published_at: Date | null
  /** Written as JSON text. */
  latest_trust: ColumnType<Trust | null, string | undefined, string>
  /** The tiers that the operator let be listed when these columns were written. */
  listed_tiers: Generated<string | null>
  created_at: Generated<Date>
}
