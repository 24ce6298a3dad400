import type { Session } from '../session/session.ts'
import { describeThrown } from '../util/describe-thrown.ts'
import { reportEnd } from './report-end.ts'

/** Longest time to deliver the journal of a process that is about to crash, in milliseconds. */
const CRASH_CLOSE_MS = 15_000

/**
 * Keeps the journal whole however the process ends. An uncaught error or unhandled rejection fails the job: the journal is on
 * disk at once and delivered within 15 s, then the process crashes as Node always does. Handlers that the trainer registered
 * take precedence. Returns a function that removes the hooks.
 */
export function watchProcess(session: Session): () => void {
  let isCrashing = false
  const crash = (error: unknown, event: 'uncaughtException' | 'unhandledRejection') => {
    if (isCrashing) return
    if (process.listenerCount(event) > 1) {
      session.log('error', `${event}: ${describeThrown(error)}`)
      session.backend.flushToDisk()
      return
    }
    isCrashing = true
    reportEnd(session, session.signal, error)
    session.backend.flushToDisk()
    const end = () => {
      unhook()
      // Without hooks this is Node's own end: the stack on standard error, and exit code 1.
      setImmediate(() => {
        throw error
      })
    }
    session.close({ timeoutMs: CRASH_CLOSE_MS }).then(end, end)
  }
  const onException = (error: unknown) => crash(error, 'uncaughtException')
  const onRejection = (error: unknown, promise: Promise<unknown>) => {
    if (!session.calls.takeUnhandled(promise, error)) crash(error, 'unhandledRejection')
  }
  const onHandled = (promise: Promise<unknown>) => session.calls.takeHandled(promise)
  const onExit = (code: number) => {
    session.log('error', `The process exited with code ${code} before the job had ended`, undefined, 'exited-early')
    session.backend.flushToDisk()
  }
  const unhook = () => {
    process.off('uncaughtException', onException)
    process.off('unhandledRejection', onRejection)
    process.off('rejectionHandled', onHandled)
    process.off('exit', onExit)
  }
  process.on('uncaughtException', onException)
  process.on('unhandledRejection', onRejection)
  process.on('rejectionHandled', onHandled)
  process.on('exit', onExit)
  return unhook
}
