import type { Clock, Database, Logger, ObjectStore } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { RunnerTelemetry } from './metrics/telemetry.ts'

/** What this area needs; the runner's context has all of it. */
export interface ObservabilityContext {
  database: Database<RunnerDatabase>
  store: ObjectStore
  logger: Logger
  clock: Clock
  /** Identifies this database among all that send to the same backends. */
  instanceId: string
  telemetry: RunnerTelemetry
  config: {
    /** Origin at which people reach the runner. */
    publicUrl: string
  }
}
