import type {
  Authenticator,
  Clock,
  Database,
  Identity,
  JobTokenClaims,
  JobTokens,
  Logger,
  ObjectStore,
} from '@trainyard/platform'
import type { Intake } from './callback/intake.ts'
import type { RunnerConfig, RunnerLimits } from './config.ts'
import type { RunnerDatabase } from './db/schema.ts'
import type { Launcher } from './launchers/launcher.ts'
import type { LiveFeeds } from './live/feeds.ts'
import type { JobHub } from './live/hub.ts'
import type { RunnerTelemetry } from './observability/metrics/telemetry.ts'
import type { CallbackTracing } from './observability/otlp/index.ts'
import type { TrainerSource } from './trainers/source.ts'

/** Who a job token speaks for. */
export type JobClaims = JobTokenClaims

/** Everything a verb may need; any part can be replaced in a test. */
export interface RunnerContext {
  config: RunnerConfig
  limits: RunnerLimits
  database: Database<RunnerDatabase>
  store: ObjectStore
  logger: Logger
  clock: Clock
  tokens: JobTokens
  /** People, and who may do what. */
  identity: Identity
  authenticator: Authenticator
  trainers: TrainerSource
  launcher: Launcher
  /** Where all events of trainers go through. */
  intake: Intake
  /** Tells this and other replicas that a job changed. */
  hub: JobHub
  /** Who looks at which job here. */
  live: LiveFeeds
  /** What it counts about itself, for `/metrics`. */
  telemetry: RunnerTelemetry
  /** Spans of callbacks; absent where there is no collector. */
  tracing?: CallbackTracing
}
