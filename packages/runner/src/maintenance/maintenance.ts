import type { RunnerContext } from '../context.ts'
import { runMaintenance } from './run-maintenance.ts'

export interface Maintenance {
  start(): void
  stop(): Promise<void>
}

/** Cleans up at intervals, one replica at a time. */
export function createMaintenance(context: RunnerContext): Maintenance {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = false
  const run = () => {
    running = runMaintenance(context)
      .catch((error: unknown) => context.logger.error({ err: error }, 'cleaning up failed; will retry'))
      .finally(() => {
        if (!stopped) timer = setTimeout(run, context.limits.maintenanceSeconds * 1000).unref()
      })
  }
  return {
    start: run,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
