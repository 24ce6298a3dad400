import { randomBytes } from 'node:crypto'
import { access, constants, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockFolder, openDatabase, startEmbeddedPostgres } from '@trainyard/platform'

/** A PostgreSQL with a schema that belongs to one run. */
export interface RunDatabase {
  readonly url: string
  readonly schema: string
  /** Drops the schema; stops the server where it was started for this run. */
  close(): Promise<void>
}

export interface RunDatabaseOptions {
  /** Default: an embedded server. */
  databaseUrl?: string
  onProgress?: (text: string) => void
}

/** Clusters that may be in use at the same time, each by one run. */
const MAX_CLUSTERS = 16

/** Opens the database of one run. */
export async function openRunDatabase({ databaseUrl, onProgress }: RunDatabaseOptions): Promise<RunDatabase> {
  const server = databaseUrl === undefined ? await startServer(onProgress) : { url: databaseUrl, stop: async () => {} }
  const schema = `validator_${randomBytes(8).toString('hex')}`
  return {
    url: server.url,
    schema,
    async close() {
      try {
        const database = await openDatabase({ url: server.url, schema: `${schema}_end`, migrations: {}, poolSize: 1 })
        try {
          await database.db.schema.dropSchema(schema).ifExists().cascade().execute()
          await database.db.schema.dropSchema(database.schema).ifExists().cascade().execute()
        } finally {
          await database.close()
        }
      } finally {
        await server.stop()
      }
    },
  }
}

/** A cluster is kept between runs, which saves making one; runs side by side take different ones. */
async function startServer(onProgress?: (text: string) => void): Promise<{ url: string; stop(): Promise<void> }> {
  const parent = await cacheFolder()
  let reason: unknown
  for (let index = 0; index < MAX_CLUSTERS; index++) {
    const dir = join(parent, `postgres-${index}`)
    await mkdir(dir, { recursive: true })
    const lock = await lockFolder(dir, { fileName: 'in-use.lock' }).catch((error: unknown) => {
      reason = error
      return undefined
    })
    if (!lock) continue
    try {
      const server = await startEmbeddedPostgres({ dataDir: dir, ...(onProgress && { onProgress }) })
      const stop = () => server.stop().finally(() => lock.release())
      return { url: server.url, stop }
    } catch (error) {
      await lock.release()
      throw error
    }
  }
  throw new Error(`${MAX_CLUSTERS} validations run on this machine already`, { cause: reason })
}

async function cacheFolder(): Promise<string> {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const dir = join(base, 'trainyard', 'validator')
  try {
    await mkdir(dir, { recursive: true })
    await access(dir, constants.W_OK)
    return dir
  } catch {
    const fallback = join(tmpdir(), `trainyard-validator-${process.getuid?.() ?? 0}`)
    await mkdir(fallback, { recursive: true, mode: 0o700 })
    return fallback
  }
}
