import type { EventEmitter } from 'node:events'
import type {
  Authenticator,
  Clock,
  createRegistryTokens,
  Database,
  Identity,
  Logger,
  ObjectStore,
} from '@trainyard/platform'
import type { RegistryConfig } from './config.ts'
import type { RegistryDatabase } from './db/schema/index.ts'
import type { ValidateFunction } from './validation/validate.ts'

type RegistryTokens = ReturnType<typeof createRegistryTokens>

/** Everything that verbs need; any part can be replaced in a test. */
export interface RegistryContext {
  config: RegistryConfig
  database: Database<RegistryDatabase>
  store: ObjectStore
  identity: Identity
  authenticator: Authenticator
  tokens: RegistryTokens
  logger: Logger
  clock: Clock
  validate: ValidateFunction
  /** The schema in which `pg_trgm` lives, where the database has it: search then forgives typing errors. */
  trigramSchema: string | undefined
  /** Emits `check` with a check's id whenever that check changed, in whichever process. */
  changes: EventEmitter<{ check: [id: string] }>
}
