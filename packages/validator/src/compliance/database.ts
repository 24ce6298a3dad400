import { randomBytes } from 'node:crypto'
import { access, constants, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockFolder, openDatabase, superviseEmbeddedPostgres } from '@trainyard/platform'

/** A PostgreSQL server with schemas for one run: the runner's, and `SCHEMA_identity`. */
export interface RunDatabase {
  readonly url: string
  readonly schema: string
  /** Drops the schemas, and stops the server if this run started it. */
  close(): Promise<void>
}

export interface RunDatabaseOptions {
  /** Default: an embedded server. */
  databaseUrl?: string | undefined
  onProgress?: ((text: string) => void) | undefined
}

/** The number of runs that can use embedded servers at the same time. */
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
          for (const name of [schema, `${schema}_identity`])
            await database.db.schema.dropSchema(name).ifExists().cascade().execute()
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

/** Starts an embedded server. Clusters are kept between runs to save time; concurrent runs use different clusters. */
async function startServer(
  onProgress: ((text: string) => void) | undefined,
): Promise<{ url: string; stop(): Promise<void> }> {
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
      const server = await superviseEmbeddedPostgres({ dataDir: dir, onProgress, onNotice: onProgress })
      const stop = () => server.stop().finally(() => lock.release())
      return { url: server.url, stop }
    } catch (error) {
      await lock.release()
      throw error
    }
  }
  throw new Error(`${MAX_CLUSTERS} other validations are running on this machine`, { cause: reason })
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
