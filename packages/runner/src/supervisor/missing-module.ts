import { join } from 'node:path'
import { type Declared, explainMissingModule, findMissingModule, pythonOf } from '@trainyard/contract'
import type { RunnerContext } from '../context.ts'
import type { AttemptEnd } from '../jobs/statuses.ts'
import { MACHINE_PATH } from '../launchers/environment.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { findTool } from '../launchers/subprocess/sandbox/tools.ts'

/** Adds to the error of an attempt which package its Python lacks, if that is why it ended. */
export async function withMissingModule(
  context: Pick<RunnerContext, 'database' | 'launcher'>,
  ref: AttemptRef,
  end: AttemptEnd,
): Promise<AttemptEnd> {
  const { error } = end
  const missing = error && findMissingModule(`${error.traceback ?? ''}\n${error.message}`)
  if (error === undefined || missing === undefined) return end
  const job = await context.database.db
    .selectFrom('jobs')
    .select(['trainer', 'operation'])
    .where('id', '=', ref.jobId)
    .executeTakeFirst()
  if (job === undefined) return end
  const { runtime, entrypoints } = job.trainer.manifest
  const name = pythonOf(entrypoints[job.operation] ?? [])
  const environment = await context.launcher.environmentBuilds?.environmentOf(ref)
  const hint = (interpreter: string, declared: Declared) => explainMissingModule(missing, interpreter, declared)
  const help =
    context.launcher.runs === 'image'
      ? hint(`${name} of the image`, { in: 'image' })
      : runtime === undefined
        ? hint(findTool(name, MACHINE_PATH.join(':')) ?? name, { in: 'nothing' })
        : hint(environment === undefined ? name : join(environment, 'bin', name), {
            in: 'file',
            file: runtime.dependencies ?? 'its file of dependencies',
          })
  return { ...end, error: { ...error, message: `${error.message}\n${help}` } }
}
