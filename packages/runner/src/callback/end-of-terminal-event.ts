import type { OperationResult, StopReason } from '@trainyard/contract'
import { type AttemptEnd, reasonOfErrorType, reasonOfStop } from '../jobs/statuses.ts'
import type { TerminalEvent } from '../journal/parse-events.ts'

/** Metrics of a result that a job keeps, like those in `latestMetrics`. */
const MAX_RESULT_METRICS = 100
/** Length of the JSON of an export's metadata that a job keeps. */
const MAX_METADATA_LENGTH = 65_536

/** Every reader of a job gets its result, so it is limited. The event in the journal has the whole one. */
function boundedResult(result: OperationResult): OperationResult {
  if (result.operation === 'train')
    return { ...result, metrics: Object.fromEntries(Object.entries(result.metrics).slice(0, MAX_RESULT_METRICS)) }
  if (result.operation === 'predict' || JSON.stringify(result.metadata ?? {}).length <= MAX_METADATA_LENGTH)
    return result
  return { ...result, metadata: undefined }
}

/** Translates the terminal event of a trainer. A trainer that completed after it was asked to stop has still completed. */
export function endOfTerminalEvent(event: TerminalEvent, stopReason: StopReason | null): AttemptEnd {
  switch (event.type) {
    case 'completed':
      return { reason: 'completed', result: boundedResult(event.result) }
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
