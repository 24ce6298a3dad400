import type { Identity } from '@trainyard/platform'

/** What somebody may do with datasets: who they are is no business of this area. */
export interface DatasetAccess {
  /** Ids of the projects whose datasets are listed. */
  readable(): readonly string[]
  /** The id of the project that a new dataset goes to; throws when there is none. */
  projectFor(name: string | undefined): string
  /** The slug of the organisation that has a project of theirs. */
  organisationOf(projectId: string): string | undefined
  audit: AuditDataset
}

/** Writes what was done to a dataset, in the transaction that does it. */
export type AuditDataset = (
  trx: Parameters<Identity['audit']>[0],
  deed: { action: string; id: string; projectId: string; data?: Record<string, unknown> },
) => Promise<void>
