import type { EnvironmentStore } from '@trainyard/environments'
import type {
  Authenticator,
  Clock,
  Database,
  Identity,
  JobTokens,
  Logger,
  ObjectStore,
  SigningKeys,
} from '@trainyard/platform'
import type { RunnerConfig, RunnerLimits } from './config.ts'
import type { RunnerDatabase } from './db/schema/index.ts'
import type { JobHub } from './job-hub.ts'
import type { Launcher } from './launchers/launcher.ts'
import type { RunnerTelemetry } from './observability/metrics/telemetry.ts'
import type { TrainerSource } from './trainers/source.ts'

/** The infrastructure that verbs use. A test can replace any part. */
export interface RunnerContext {
  config: RunnerConfig
  limits: RunnerLimits
  /** Identifies this database: job numbers start at 1 in each, and several may share a launcher or a backend. */
  instanceId: string
  database: Database<RunnerDatabase>
  store: ObjectStore
  logger: Logger
  clock: Clock
  /** Issues and verifies the tokens of trainers. */
  tokens: JobTokens
  /** Sign what this runner states to others. */
  statementKeys: SigningKeys
  /** Accounts, organisations, projects and the audit log. */
  identity: Identity
  /** Finds the caller of a request of people. */
  authenticator: Authenticator
  trainers: TrainerSource
  launcher: Launcher
  /** Python environments of trainers. Undefined where trainers are images. */
  environments: EnvironmentStore | undefined
  /** Notifies this and other replicas that a job changed. */
  hub: JobHub
  /** Counters and timers behind `/metrics`. */
  telemetry: RunnerTelemetry
}
