import { collectDefaultMetrics, Registry } from 'prom-client'

let processRegistry: Registry | undefined

/** Memory, event loop and garbage collection. Created once for the process, because their observers cannot be removed. */
export function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}
