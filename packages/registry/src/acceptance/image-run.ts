import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ImageRunsConfig } from '../config.ts'
import type { RegistryContext } from '../context.ts'

/** Each file is named after the mark of what an image run may have left in the engine, and holds the id of its check. */
const folderOf = ({ config }: Pick<RegistryContext, 'config'>) => join(config.dataDir, 'image-runs')

/** The mark of everything that the run of a check creates in the engine. Names there begin with a few of its characters. */
function instanceOf({ config }: Pick<RegistryContext, 'config'>, checkId: string): string {
  return createHash('sha256')
    .update(`${resolve(config.dataDir)} ${config.databaseSchema} ${checkId}`)
    .digest('hex')
    .slice(0, 16)
}

/** Runs `work` with the mark of a check's run, and removes what it created in the engine: after a crash, at the next start. */
export async function withImageRun<T>(
  context: RegistryContext,
  { checkId, env }: { checkId: string; env: ImageRunsConfig['env'] },
  work: (instanceId: string) => Promise<T>,
): Promise<T> {
  const instanceId = instanceOf(context, checkId)
  const file = join(folderOf(context), instanceId)
  await mkdir(folderOf(context), { recursive: true })
  await writeFile(file, checkId)
  try {
    // What an earlier try has left.
    await clearEngine(context, env, instanceId)
    return await work(instanceId)
  } finally {
    if (await clearEngine(context, env, instanceId)) await rm(file, { force: true })
  }
}

/** Removes what processes that were killed have left in the engine. Runs of other living processes stay. */
export async function removeAbandonedRuns(context: RegistryContext): Promise<void> {
  const { imageRuns } = context.config
  const names = imageRuns === undefined ? [] : await readdir(folderOf(context)).catch(() => [])
  for (const name of names) {
    const file = join(folderOf(context), name)
    const checkId = await readFile(file, 'utf8').catch(() => undefined)
    if (checkId === undefined || (await isRunning(context, checkId))) continue
    if (await clearEngine(context, imageRuns?.env ?? {}, name)) await rm(file, { force: true })
  }
}

async function isRunning({ database }: RegistryContext, checkId: string): Promise<boolean> {
  const check = await database.db
    .selectFrom('checks')
    .select('id')
    .where('id', '=', checkId)
    .where('finished_at', 'is', null)
    .where('lease_until', '>', (eb) => eb.fn<Date>('now'))
    .executeTakeFirst()
  return check !== undefined
}

/** Whether the engine answered: otherwise what is in it is removed later. */
async function clearEngine(
  { logger }: RegistryContext,
  env: ImageRunsConfig['env'],
  instanceId: string,
): Promise<boolean> {
  const { openClosedEngine } = await import('@trainyard/runner')
  try {
    const engine = await openClosedEngine({ env, instanceId, logger })
    if (typeof engine === 'string') return false
    await engine.close()
    return true
  } catch (error) {
    logger.warn({ err: error, instanceId }, 'what a run of an image left in the container engine could not be removed')
    return false
  }
}
