import type { NewEvent } from './new-event.ts'

/** What may be dropped when the queue is full. Spools store these numbers: do not change them. */
export const PRIORITY = {
  debugLog: 0,
  log: 1,
  stepMetrics: 2,
  neverDropped: 3,
  prediction: 4,
  validation: 5,
} as const
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY]

/** The least important first. */
export const DROP_ORDER: readonly Priority[] = [
  PRIORITY.debugLog,
  PRIORITY.log,
  PRIORITY.stepMetrics,
  PRIORITY.prediction,
  PRIORITY.validation,
]

/** Results of the job: dropped only when memory would otherwise grow beyond the limit of the spool. */
export function isLastResort(priority: Priority): boolean {
  return priority === PRIORITY.prediction || priority === PRIORITY.validation
}

/** The first metrics of an epoch are never dropped. */
export function priorityOf(event: NewEvent, isNewEpoch: boolean): Priority {
  switch (event.type) {
    case 'log':
      return event.level === 'debug' ? PRIORITY.debugLog : PRIORITY.log
    case 'prediction':
      return PRIORITY.prediction
    case 'validation':
      return PRIORITY.validation
    case 'progress':
      return isNewEpoch ? PRIORITY.neverDropped : PRIORITY.stepMetrics
    default:
      return PRIORITY.neverDropped
  }
}
