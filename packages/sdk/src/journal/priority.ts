import type { NewEvent } from './new-event.ts'

/**
 * What an event is to a full queue: 0 a debug log, 1 a log, 2 metrics between epochs, 4 a prediction, 5 a validation;
 * 3 never goes. (It keeps its number: spools of older versions hold it.)
 */
export type Priority = 0 | 1 | 2 | 3 | 4 | 5
export const NEVER_DROPPED: Priority = 3
export const PREDICTION: Priority = 4
export const VALIDATION: Priority = 5
export const STEP_METRICS: Priority = 2
/** What goes first. */
export const DROP_ORDER: readonly Priority[] = [0, 1, STEP_METRICS, PREDICTION, VALIDATION]
/** Results that somebody waits for: they go only before memory grows beyond what the spool may take. */
export const isLastResort = (priority: Priority) => priority === PREDICTION || priority === VALIDATION

/** Metrics are kept for ever when they are the first of an epoch. */
export function priorityOf(event: NewEvent, isNewEpoch: boolean): Priority {
  switch (event.type) {
    case 'log':
      return event.level === 'debug' ? 0 : 1
    case 'prediction':
      return PREDICTION
    case 'validation':
      return VALIDATION
    case 'progress':
      return isNewEpoch ? NEVER_DROPPED : STEP_METRICS
    default:
      return NEVER_DROPPED
  }
}
