import type { Clock, Database, Logger, ObjectStore } from '@trainyard/platform'
import type { DatasetTables } from '../db/schema/index.ts'

/** One entry of `DATASET_SOURCES`. Without a bucket it is of the platform's own store; an empty prefix is all of it. */
export interface AllowedSource {
  bucket?: string
  prefix: string
  /** Slugs of the organisations for which it is. Absent: all of them. */
  organisations?: readonly string[]
}

/** What this area needs; the runner's context has it all, and a test can build it by hand. */
export interface DatasetContext {
  database: Database<DatasetTables>
  store: ObjectStore
  logger: Logger
  clock: Clock
  config?: {
    /** Where archives are unpacked while they are looked at. Default: the system's temporary folder. */
    dataDir: string
    /** Below which datasets may stay where they are. Default: none. */
    datasetSources?: readonly AllowedSource[] | undefined
  }
}

/** What one uploaded archive may hold. */
export const UPLOAD_LIMITS = {
  maxFiles: 2_000_000,
  maxTotalBytes: 500 * 1024 ** 3,
} as const
