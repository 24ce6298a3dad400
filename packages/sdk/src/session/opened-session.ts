import type { Environment } from '../config/read-environment.ts'
import type { Session } from './session.ts'

export interface OpenSessionOptions {
  env: Environment
  argv: readonly string[]
  /** Aborted when the platform asks the job to stop. */
  stop: AbortController
}

/** A session, or the exit code of a process that has nothing to run. */
export type OpenedSession =
  | {
      type: 'ready'
      session: Session
      /** Called after the end. */
      summarize?: ((end: 'completed' | 'failed' | 'cancelled') => void) | undefined
    }
  | { type: 'ended'; exitCode: number }
