import { type Declared, explainMissingModule, findMissingModule } from '@trainyard/environments'
import type { RunnerContext } from '../context.ts'
import type { AttemptEnd } from '../jobs/statuses.ts'
import { MACHINE_PATH } from '../launchers/environment.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { findTool } from '../launchers/subprocess/sandbox/tools.ts'

/** Adds to the error of an attempt which package its Python lacks, if that is why it ended. */
export async function withMissingModule(
  context: Pick<RunnerContext, 'database' | 'launcher'>,
  { jobId }: AttemptRef,
  end: AttemptEnd,
): Promise<AttemptEnd> {
  const { error } = end
  const missing = error && findMissingModule(`${error.traceback ?? ''}\n${error.message}`)
  if (error === undefined || missing === undefined) return end
  const job = await context.database.db
    .selectFrom('jobs')
    .select(['trainer', 'operation'])
    .where('id', '=', jobId)
    .executeTakeFirst()
  if (job === undefined) return end
  const { runtime, entrypoints } = job.trainer.manifest
  const name = entrypoints[job.operation]?.find((argument) => /(^|\/)python[\d.]*$/.test(argument)) ?? 'python3'
  const hint = (interpreter: string, declared: Declared) => explainMissingModule(missing, interpreter, declared)
  const help =
    context.launcher.runs === 'image'
      ? hint(`${name} of the image`, { in: 'image' })
      : runtime === undefined
        ? hint(findTool(name, MACHINE_PATH.join(':')) ?? name, { in: 'nothing' })
        : hint(`${name} of the environment`, { in: 'file', file: runtime.dependencies ?? 'its file of dependencies' })
  return { ...end, error: { ...error, message: `${error.message}\n${help}` } }
}
