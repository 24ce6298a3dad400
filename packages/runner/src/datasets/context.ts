import type { Clock, Database, Logger, ObjectStore } from '@trainyard/platform'
import type { DatasetTables } from '../db/schema/index.ts'

/** One entry of `DATASET_SOURCES`. */
export interface AllowedSource {
  /** Absent for the platform's own store. */
  bucket?: string
  /** Ends with a slash; empty for the whole bucket. */
  prefix: string
  /** Slugs of the organisations that may use it. Default: every organisation. */
  organisations?: readonly string[]
}

/** The part of the runner's context that this area uses. */
export interface DatasetContext {
  database: Database<DatasetTables>
  store: ObjectStore
  logger: Logger
  clock: Clock
  config?: {
    /** Where archives are unpacked. Default: the system's temporary folder. */
    dataDir: string
    /** Where datasets that are not uploaded may be. Default: nowhere. */
    datasetSources?: readonly AllowedSource[] | undefined
  }
  /** What the datasets of one project may have in the store. Default: no limit. */
  limits?: DatasetQuota | undefined
}

export interface DatasetQuota {
  maxProjectDatasetBytes: number
  maxProjectDatasetFiles: number
}

/** Limits of one archive, and of one source. */
export const UPLOAD_LIMITS = {
  maxFiles: 2_000_000,
  maxTotalBytes: 500 * 1024 ** 3,
} as const
