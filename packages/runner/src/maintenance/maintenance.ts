import type { RunnerContext } from '../context.ts'
import { type RepeatedTask, repeatTask } from '../repeat-task.ts'
import { runMaintenance } from './run-maintenance.ts'

/** Cleans up at intervals, one replica at a time. */
export function createMaintenance(context: RunnerContext): RepeatedTask {
  return repeatTask({
    run: () => runMaintenance(context),
    pauseMs: context.limits.maintenanceSeconds * 1000,
    onError: (error) => context.logger.error({ err: error }, 'cleaning up failed; will retry'),
  })
}
