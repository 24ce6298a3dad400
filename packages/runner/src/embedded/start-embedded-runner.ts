import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolderStore, createLogger, listen, superviseEmbeddedPostgres } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerConfig } from '../config.ts'
import { createRunner, type Runner } from '../create-runner.ts'
import { createSubprocessLauncher } from '../launchers/subprocess/index.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'
import { withStorage } from '../with-storage.ts'

type Handler = (request: Request) => Response | Promise<Response>

export interface EmbeddedRunnerOptions {
  /** The folder of the only trainer. It runs in that folder. */
  trainerDir: string
  /** A PostgreSQL server, whose schema is dropped at the end. Default: a server in a temporary folder. */
  databaseUrl?: string | undefined
  /** Wraps the handler of all HTTP requests. Default: none. */
  wrap?: ((handler: Handler) => Handler) | undefined
  config?: Partial<RunnerConfig> | undefined
  /** Level of the runner's own log on standard error. Default: "silent". */
  logLevel?: string | undefined
  /** Called with the steps of starting PostgreSQL. */
  onProgress?: ((text: string) => void) | undefined
}

export interface EmbeddedRunner {
  url: string
  /** The token of its owner, which requests of people need. */
  token: string
  runner: Runner
  /** Stops all jobs and deletes everything. */
  close(): Promise<void>
}

/** Starts a complete runner in this process, with its own database, store and port. `close()` deletes all of it. */
export async function startEmbeddedRunner(options: EmbeddedRunnerOptions): Promise<EmbeddedRunner> {
  const { trainerDir, wrap = (handler) => handler, logLevel = 'silent', onProgress } = options
  const cleanups: (() => Promise<unknown>)[] = []
  const close = async () => {
    const failures: unknown[] = []
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, `Cleaning up failed: ${String(failures[0])}`)
  }
  try {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-embedded-'))
    cleanups.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
    const logger = createLogger({ name: 'runner', level: logLevel, destination: process.stderr })
    let databaseUrl = options.databaseUrl
    if (databaseUrl === undefined) {
      const postgres = await superviseEmbeddedPostgres({
        dataDir: join(dir, 'postgres'),
        logger,
        onProgress,
        onNotice: onProgress,
      })
      cleanups.push(() => postgres.stop())
      databaseUrl = postgres.url
    }

    // The address must be known before the runner can be created.
    let serve: Handler = () => new Response('starting', { status: 503 })
    const server = await listen({ fetch: wrap((request) => serve(request)) }, { port: 0, drainMs: 200 })
    cleanups.push(() => server.close())
    const store = createFolderStore({
      dir: join(dir, 'store'),
      publicUrl: server.url,
      secret: randomBytes(32).toString('hex'),
    })
    const databaseSchema = `runner_${randomBytes(6).toString('hex')}`
    const config: RunnerConfig = {
      publicUrl: server.url,
      databaseUrl,
      databaseSchema,
      identitySchemaPrefix: `${databaseSchema}_`,
      dataDir: join(dir, 'data'),
      heartbeatSeconds: 1,
      heartbeatTimeoutSeconds: 30,
      startTimeoutSeconds: 60,
      cancelGraceSeconds: 10,
      maxConcurrentJobs: 2,
      datasetCacheMaxGb: 1,
      ...options.config,
      limits: { reconcileIntervalMs: 100, maxFreeRetries: 0, ...options.config?.limits },
    }
    const launcher = createSubprocessLauncher({
      attemptsDir: join(dir, 'attempts'),
      datasetCacheDir: join(dir, 'datasets'),
      datasetCacheMaxGb: config.datasetCacheMaxGb,
      logger,
    })
    const runner = await createRunner({
      config,
      store,
      logger,
      launcher,
      trainers: createFolderTrainerSource(trainerDir),
    })
    cleanups.push(async () => {
      const { database, identity } = runner.context
      for (const schema of [config.databaseSchema, identity.schema])
        await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(database.db)
      await runner.stop()
    })
    cleanups.push(async () => {
      for await (const attempt of launcher.list()) await launcher.stop(attempt, 0)
    })
    serve = (request) => withStorage(runner.app, store.app).fetch(request)
    await runner.start()
    const token = await runner.context.identity.createOwnerToken('embedded runner')
    return { url: server.url, token, runner, close }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}
