import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError, startEmbeddedPostgres } from '@trainyard/platform'
import type { StartOptions } from './options.ts'

/** Uses the database of a data folder, whether the servers run or not. */
export async function withDatabase<T>(
  { dataDir }: Pick<StartOptions, 'dataDir'>,
  env: Readonly<Record<string, string | undefined>>,
  use: (databaseUrl: string) => Promise<T>,
): Promise<T> {
  if (env.DATABASE_URL) return await use(env.DATABASE_URL)
  const folder = join(resolve(dataDir), 'postgres')
  if (!existsSync(folder))
    throw new ConfigError(`${resolve(dataDir)} contains no database; pass its folder with --data`)
  const postgres = await startEmbeddedPostgres({ dataDir: folder })
  try {
    return await use(postgres.url)
  } finally {
    // A database that was already running belongs to the servers.
    if (!postgres.adopted) await postgres.stop()
  }
}
