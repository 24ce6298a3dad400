import type { StopReason } from '@trainyard/contract'
import { type AttemptEnd, reasonOfErrorType, reasonOfStop } from '../jobs/statuses.ts'
import type { TerminalEvent } from '../journal/parse-events.ts'

/** Translates the terminal event of a trainer. A trainer that completed after it was asked to stop has still completed. */
export function endOfTerminalEvent(event: TerminalEvent, stopReason: StopReason | null): AttemptEnd {
  switch (event.type) {
    case 'completed':
      return { reason: 'completed', result: event.result }
    case 'cancelled': {
      if (stopReason !== null)
        return {
          reason: reasonOfStop(stopReason),
          error: { message: event.message ?? 'The trainer stopped as requested' },
        }
      // A trainer reports SIGTERM as a cancel, also when a drained node or a stopped container caused it.
      const message = `The trainer was told to stop, but not by the platform: ${event.message ?? 'no reason given'}`
      return { reason: 'preempted', error: { message } }
    }
    case 'failed':
      return {
        reason: stopReason === null ? reasonOfErrorType(event.errorType) : reasonOfStop(stopReason),
        retryable: event.retryable,
        error: { errorType: event.errorType, message: event.message, traceback: event.traceback },
      }
  }
}
