import type { Identity, ObjectStore } from '@trainyard/platform'

/** What the caller of a request may do with datasets. */
export interface DatasetAccess {
  /** Ids of the projects whose datasets the caller may list. */
  readable(): readonly string[]
  /** The id of the project for a new dataset. Throws when the caller has no project. */
  projectFor(name: string | undefined): string
  /**
   * Throws when the caller may no longer add datasets to the project, because a token or a right was revoked since the request
   * began. A token that has expired since then is no reason.
   */
  confirm(projectId: string): Promise<void>
  /** The slug of the organisation that owns one of the caller's projects. */
  organisationOf(projectId: string): string | undefined
  audit: AuditDataset
  /** Signs URLs that end with the caller's token or session. */
  signing(store: ObjectStore): ObjectStore
}

/** Writes an entry of the audit log in the transaction of the action. */
export type AuditDataset = (
  trx: Parameters<Identity['audit']>[0],
  entry: {
    action: string
    id: string
    name: string
    projectId: string
    data?: Record<string, unknown> | undefined
    /** Bytes that were uploaded. They count for the caller. Default: none. */
    uploadedBytes?: number | undefined
  },
) => Promise<void>
