import type { Environment } from '../config/read-environment.ts'
import type { Session } from './session.ts'

export interface OpenSessionOptions {
  env: Environment
  argv: readonly string[]
  /** Aborted when the platform says to stop. */
  stop: AbortController
}

export type OpenedSession = { type: 'ready'; session: Session } | { type: 'ended'; exitCode: number }
