import type { RunnerContext } from '../context.ts'
import { type RepeatedTask, repeatTask } from '../repeat-task.ts'
import { reportRuns } from './report-runs.ts'

/** States to the registry, at intervals, how runs ended. */
export function createRunReports(context: RunnerContext): RepeatedTask {
  return repeatTask({
    run: () => reportRuns(context, context.statementKeys),
    pauseMs: context.limits.reportSeconds * 1000,
    onError: (error) => context.logger.error({ err: error }, 'runs could not be reported; will retry'),
  })
}
