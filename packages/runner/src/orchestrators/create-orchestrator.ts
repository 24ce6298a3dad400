import { ConfigError } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { DatabaseOrchestrator } from '../supervisor/database-orchestrator.ts'
import type { Orchestrator } from '../supervisor/orchestrator.ts'

/** The packages that an operator installs who chooses Temporal. */
const PACKAGES = ['@temporalio/activity', '@temporalio/client', '@temporalio/worker']

/**
 * Creates the orchestrator that the configuration names. Temporal's packages are loaded only when they are needed.
 *
 * @throws ConfigError when they are not installed
 */
export async function createOrchestrator(
  context: RunnerContext,
  { backends }: { backends: readonly string[] },
): Promise<Orchestrator> {
  const { orchestrator = 'database', temporal } = context.config
  if (orchestrator === 'database') return new DatabaseOrchestrator(context)
  if (temporal === undefined) throw new ConfigError('the orchestrator "temporal" needs the address of a server')
  try {
    const { TemporalOrchestrator } = await import('./temporal/orchestrator.ts')
    return new TemporalOrchestrator(context, temporal, { backends })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError(
      `ORCHESTRATOR is "temporal", and its packages are not installed: npm install ${PACKAGES.join(' ')}`,
    )
  }
}
