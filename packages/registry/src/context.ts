import type { EventEmitter } from 'node:events'
import type { Authenticator, Clock, Database, Identity, Logger, ObjectStore, RegistryTokens } from '@trainyard/platform'
import type { RegistryConfig } from './config.ts'
import type { RegistryDatabase } from './db/schema/index.ts'
import type { RunnerKeys } from './job-tokens/runner-keys.ts'
import type { JobTokenVerifier } from './job-tokens/verify-job-token.ts'
import type { SearchReader } from './search-index/search-reader.ts'
import type { SignatureVerifier } from './sigstore/signature-verifier.ts'
import type { ValidateFunction } from './validation/validate.ts'

/** What verbs need. Tests can replace any part. */
export interface RegistryContext {
  config: RegistryConfig
  database: Database<RegistryDatabase>
  store: ObjectStore
  identity: Identity
  authenticator: Authenticator
  tokens: RegistryTokens
  jobTokens: JobTokenVerifier
  signatures: SignatureVerifier
  /** Of the runners that state runs. */
  runnerKeys: RunnerKeys
  /** The catalogue in this process's memory. */
  search: SearchReader
  logger: Logger
  clock: Clock
  validate: ValidateFunction
  /** Emits `check` with a check's id when that check changes, in any process; without an id when any may have changed. */
  changes: EventEmitter<{ check: [id: string | undefined] }>
}
