import { type ErrorType, MAX_LOG_MESSAGE_LENGTH } from '@trainyard/contract'
import { JobStoppedError, TrainerError, ValidationError } from '@trainyard/contract/trainer-errors'
import type { Session } from '../session/session.ts'
import { describeThrown } from '../util/describe-thrown.ts'

/** How the handler ended. */
export type Outcome =
  | { type: 'completed' }
  | { type: 'failed'; errorType: ErrorType }
  | { type: 'cancelled'; reason: JobStoppedError['reason'] }

/** The contract's limit. */
const MAX_TRACEBACK_LENGTH = 65_536

/** Logs an error and appends the terminal event for it. */
export function reportEnd(session: Session, signal: AbortSignal, error: unknown): Outcome {
  if (signal.aborted || error instanceof JobStoppedError) {
    const stopped = [signal.reason, error].find((reason) => reason instanceof JobStoppedError)
    const reason = stopped?.reason ?? 'cancelled'
    const isOwn = error === stopped || (error instanceof Error && error.name === 'AbortError')
    if (!isOwn) session.log('warning', `While stopping: ${describeThrown(error)}`)
    session.log('info', `Stopped: ${reason}`)
    session.backend.append({ type: 'cancelled', message: `Stopped: ${reason}` })
    session.end()
    return { type: 'cancelled', reason }
  }
  const { errorType, retryable } = classify(error)
  const message = session.backend.redact(describeThrown(error))
  session.log('error', `${errorType}: ${message}`)
  session.backend.append({
    type: 'failed',
    errorType,
    message: message.slice(0, MAX_LOG_MESSAGE_LENGTH),
    traceback:
      error instanceof Error && error.stack
        ? session.backend.redact(error.stack).slice(0, MAX_TRACEBACK_LENGTH)
        : undefined,
    retryable,
  })
  session.end()
  return { type: 'failed', errorType }
}

function classify(error: unknown): { errorType: ErrorType; retryable: boolean } {
  if (error instanceof ValidationError) return { errorType: error.code, retryable: false }
  if (error instanceof TrainerError) return { errorType: error.code, retryable: error.retryable }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isResource = code === 'ENOSPC' || code === 'ENOMEM' || code === 'EDQUOT' || code === 'EMFILE'
  // How V8 and TensorFlow report that memory ran out.
  const isMemory = error instanceof RangeError && /allocation failed|array buffer/i.test(error.message)
  if (isResource || isMemory) return { errorType: 'ResourceError', retryable: true }
  return { errorType: 'UnknownError', retryable: true }
}
