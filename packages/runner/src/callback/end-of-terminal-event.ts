import type { StopReason } from '@trainyard/contract'
import { type AttemptEnd, reasonOfErrorType, reasonOfStop } from '../jobs/statuses.ts'
import type { TerminalEvent } from '../journal/parse-events.ts'

/** What a trainer's last word means. A trainer that finished although it was asked to stop has still finished. */
export function endOfTerminalEvent(event: TerminalEvent, stopReason: StopReason | null): AttemptEnd {
  switch (event.type) {
    case 'completed':
      return { reason: 'completed', result: event.result }
    case 'cancelled':
      // SIGTERM means cancel to a trainer, whoever sends it: a drained node or a stopped container is no wish of a user.
      if (stopReason === null)
        return {
          reason: 'preempted',
          error: {
            message: `The trainer was told to stop, but not by the platform: ${event.message ?? 'no reason given'}`,
          },
        }
      return {
        reason: reasonOfStop(stopReason),
        error: { message: event.message ?? 'The trainer stopped as it was asked to' },
      }
    case 'failed':
      return {
        reason: stopReason === null ? reasonOfErrorType(event.errorType) : reasonOfStop(stopReason),
        retryable: event.retryable,
        error: {
          errorType: event.errorType,
          message: event.message,
          ...(event.traceback === undefined ? {} : { traceback: event.traceback }),
        },
      }
  }
}
