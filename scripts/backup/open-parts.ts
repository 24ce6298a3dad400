import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, createStore, type ObjectStore, readStoreConfig, startEmbeddedPostgres } from '@trainyard/platform'

export type Environment = Readonly<Record<string, string | undefined>>

export interface DatabasePart {
  url: string
  close(): Promise<void>
}

/** The database of `DATABASE_URL`, or the embedded one of a data folder, whether the servers run or not. */
export async function openDatabasePart(
  dataDir: string,
  env: Environment,
  { create }: { create: boolean },
): Promise<DatabasePart> {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, close: async () => {} }
  const folder = join(dataDir, 'postgres')
  if (!create && !existsSync(folder))
    throw new ConfigError(`${dataDir} contains no database; pass the data folder with --data, or set DATABASE_URL`)
  const postgres = await startEmbeddedPostgres({ dataDir: folder })
  // A database that was already running belongs to the servers.
  return { url: postgres.url, close: async () => (postgres.adopted ? undefined : await postgres.stop()) }
}

/** The store of `S3_ENDPOINT`, or the folder of objects of a data folder. */
export function openStorePart(dataDir: string, env: Environment): ObjectStore {
  const secret = 'nothing is signed with this secret'
  return createStore(readStoreConfig(env, { dir: join(dataDir, 'objects'), publicUrl: 'http://127.0.0.1', secret }))
    .store
}
