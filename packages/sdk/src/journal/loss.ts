import { PRIORITY, type Priority } from './priority.ts'

/** The number of dropped events, by kind. */
export interface Loss {
  debugLogs: number
  logs: number
  metrics: number
  predictions: number
  validations: number
}

const KINDS: Readonly<Record<Priority, keyof Loss | undefined>> = {
  [PRIORITY.debugLog]: 'debugLogs',
  [PRIORITY.log]: 'logs',
  [PRIORITY.stepMetrics]: 'metrics',
  [PRIORITY.neverDropped]: undefined,
  [PRIORITY.prediction]: 'predictions',
  [PRIORITY.validation]: 'validations',
}

export function createLoss(): Loss {
  return { debugLogs: 0, logs: 0, metrics: 0, predictions: 0, validations: 0 }
}

export function countLoss(loss: Loss, priority: Priority): void {
  const kind = KINDS[priority]
  if (kind !== undefined) loss[kind]++
}

export function isEmpty(loss: Loss): boolean {
  return Object.values(loss).every((count) => count === 0)
}

export function describeLoss({ debugLogs, logs, metrics, predictions, validations }: Loss): string {
  return `Events were dropped because the platform did not accept them in time: ${debugLogs} debug logs, ${logs} logs, ${metrics} metrics between epochs, ${predictions} predictions, ${validations} validations`
}
