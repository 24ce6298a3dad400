/** How many events were dropped, by kind. */
export interface Loss {
  debugLogs: number
  logs: number
  metrics: number
  predictions: number
  validations: number
}
/** By priority. */
export const LOSS_KINDS: readonly (keyof Loss | undefined)[] = [
  'debugLogs',
  'logs',
  'metrics',
  undefined,
  'predictions',
  'validations',
]
export const createLoss = (): Loss => ({ debugLogs: 0, logs: 0, metrics: 0, predictions: 0, validations: 0 })
export const isEmpty = (loss: Loss) => Object.values(loss).every((count) => count === 0)

export function describeLoss({ debugLogs, logs, metrics, predictions, validations }: Loss): string {
  return `Events were dropped because the platform did not take them: ${debugLogs} debug logs, ${logs} logs, ${metrics} metrics between epochs, ${predictions} predictions, ${validations} validations`
}
