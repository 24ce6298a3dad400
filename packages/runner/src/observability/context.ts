import type { Clock, Database, Logger, ObjectStore } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { RunnerTelemetry } from './metrics/telemetry.ts'

/** What this folder needs. A part of the runner's context. */
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
