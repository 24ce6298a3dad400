import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { JobBase } from '../job.ts'
import type { ResolvedConfig } from '../job-config.ts'
import type { RunTrainerOptions } from '../lifecycle/run-operation.ts'
import type { Session } from '../session/session.ts'

const CLOSE_TIMEOUT_MS = 60_000

let session: Session | undefined
let hasEnded = false
let onEnd: () => void = () => {}

/** The job that {@link reportStarted} started. */
export interface StartedJob extends Pick<JobBase, 'id' | 'attempt' | 'operation' | 'taskType' | 'model' | 'workDir'> {
  config: ResolvedConfig
  /** Aborts with a `JobStoppedError` when the platform asks the job to stop, and on SIGTERM and SIGINT. */
  signal: AbortSignal
}

/** Connects to the platform, or opens a local run, and sends `started`. Call it before the other calls. */
export async function reportStarted(options: RunTrainerOptions = {}): Promise<StartedJob> {
  if (session !== undefined) throw new ConfigError('reportStarted was called twice')
  hasEnded = false
  const [{ openSession }, { stopOnSignals }, { watchProcess }] = await Promise.all([
    import('../lifecycle/open-session.ts'),
    import('../lifecycle/stop-on-signals.ts'),
    import('../lifecycle/watch-process.ts'),
  ])
  const { env = process.env, argv = process.argv.slice(2) } = options
  const stop = new AbortController()
  const opened = await openSession({}, { env, argv, stop })
  if (opened.type === 'ended') {
    throw new ConfigError(`The job cannot start (exit code ${opened.exitCode}); see the line above`)
  }
  const unhook = stopOnSignals(stop)
  session = opened.session
  const unwatch = watchProcess(session)
  session.started()
  onEnd = () => {
    unhook()
    unwatch()
  }
  const { id, attempt, operation, taskType, model, workDir, config } = session.settings
  return { id, attempt, operation, taskType, model, workDir, config, signal: session.signal }
}

/** The session that {@link reportStarted} opened. */
export function currentSession(): Session {
  if (session !== undefined) return session
  throw new ConfigError(
    hasEnded
      ? 'The job has already ended; to report another one, call `await reportStarted()` first'
      : 'No job has started; call `await reportStarted()` first',
  )
}

export function findSession(): Session | undefined {
  return session
}

/** Delivers the remaining events and closes the session. Returns false when the platform could not be reached in time. */
export async function endSession(): Promise<boolean> {
  const ending = currentSession()
  session = undefined
  hasEnded = true
  try {
    const { delivered } = await ending.close({ timeoutMs: CLOSE_TIMEOUT_MS })
    return delivered
  } finally {
    onEnd()
  }
}
