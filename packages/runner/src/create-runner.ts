import { resolve } from 'node:path'
import type { OpenAPIHono } from '@hono/zod-openapi'
import {
  type Identity,
  openDatabase,
  openDataFolder,
  openIdentity,
  stopInTurn,
  type UpgradeHandler,
} from '@trainyard/platform'
import { createRunnerApp, createTrainersApp } from './app.ts'
import { checkBearers } from './auth/signed-for.ts'
import { createIntake } from './callback/intake.ts'
import { storeForTrainers } from './callback/trainer-store.ts'
import type { RunnerContext } from './context.ts'
import { type ContextOptions, createContext } from './create-context.ts'
import { CacheKeeper } from './dataset-cache/cache-keeper.ts'
import { runnerMigrations } from './db/migrations/index.ts'
import type { RunnerDatabase } from './db/schema/index.ts'
import { isLoopback } from './launchers/callback-url.ts'
import type { AttemptRef, Launcher } from './launchers/launcher.ts'
import { LiveFeeds } from './live/feeds.ts'
import { createLiveSockets } from './live/serve-sockets.ts'
import { createMaintenance } from './maintenance/maintenance.ts'
import { createBlockBuilder } from './metrics/block-builder.ts'
import type { ObservabilityAdapter } from './observability/adapter.ts'
import { createObservability } from './observability/index.ts'
import type { CallbackTracing } from './observability/otlp/callback-tracing.ts'
import type { OtlpConfig } from './observability/otlp/config.ts'
import { createOrchestrator } from './orchestrators/create-orchestrator.ts'
import { createRunReports } from './run-statements/run-reports.ts'
import { awaitCleanup } from './supervisor/await-cleanup.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { TrainerNetwork } from './trainer-network.ts'

export interface CreateRunnerOptions extends ContextOptions {
  /** Stays open when the runner stops. Default: opened in the runner's database, and closed with it. */
  identity?: Identity | undefined
  /** Default: the adapters that `config.observability` names. */
  adapters?: readonly ObservabilityAdapter[] | undefined
}

export interface Runner {
  app: OpenAPIHono
  /** Only the routes that need a job token, for trainers that are isolated from the rest of the API. */
  trainersApp: OpenAPIHono
  /** Serves an app to trainers that have a network of their own. Absent when they share this machine's. Used by {@link listenForTrainers}. */
  openGateway?: Launcher['openGateway'] | undefined
  /**
   * The app to serve to trainers that cannot reach this machine's loopback interface, and the address to serve it on. Absent
   * when trainers reach the runner at its public URL.
   */
  trainers?: { app: OpenAPIHono; address: string } | undefined
  context: RunnerContext
  /** Live streams over WebSocket: for `listen(app, { upgrade })`. */
  upgrade: UpgradeHandler
  /** Starts to supervise jobs, including those of a runner that died. */
  start(): Promise<void>
  /**
   * Waits until the containers, folders and networks of all ended attempts are removed. Returns the attempts that were not
   * cleaned up in time; the next start cleans them up.
   */
  awaitCleanup(timeoutMs: number): Promise<AttemptRef[]>
  /**
   * Stops supervising and closes the database. Running trainers keep running and keep their events. A part that does not
   * stop within `limits.stopSeconds` is abandoned.
   */
  stop(): Promise<void>
}

/** Opens the runner's database and builds its app. `start()` begins the work. */
export async function createRunner(options: CreateRunnerOptions): Promise<Runner> {
  const { config, logger } = options
  const dataDir = resolve(config.dataDir)
  await openDataFolder(dataDir, 'the data folder (DATA_DIR)')
  const database = await openDatabase<RunnerDatabase>({
    url: config.databaseUrl,
    schema: config.databaseSchema,
    migrations: runnerMigrations,
    logger,
  })
  const ownsIdentity = options.identity === undefined
  let { identity } = options
  try {
    identity ??= await openIdentity({
      url: config.databaseUrl,
      schemaPrefix: config.identitySchemaPrefix,
      logger,
    })
    const context = await createContext(options, { database, identity, dataDir })
    checkBearers(context)
    return await assembleRunner(context, { adapters: options.adapters, ownsIdentity })
  } catch (error) {
    if (ownsIdentity) await identity?.close()
    await database.close()
    throw error
  }
}

interface AssembleOptions {
  adapters: readonly ObservabilityAdapter[] | undefined
  /** Whether identity is closed with the runner. */
  ownsIdentity: boolean
}

async function assembleRunner(context: RunnerContext, { adapters, ownsIdentity }: AssembleOptions): Promise<Runner> {
  const { config, limits, database, clock, telemetry, launcher, logger, hub } = context
  const blocks = createBlockBuilder(database, logger)
  const feeds = new LiveFeeds(context)
  const tracing = await openTracing(config.observability?.otlp)
  const trainerContext = {
    ...context,
    store: storeForTrainers(context.store, config),
    intake: createIntake({ config, limits, database, clock, telemetry, blocks }),
  }
  const trainersApp = createTrainersApp({ trainerContext, tracing })
  const network = new TrainerNetwork(launcher, trainersApp)
  const { datasetCache, callbackAddress } = launcher
  const cache = datasetCache === undefined ? undefined : new CacheKeeper(context, datasetCache)
  const maintenance = createMaintenance(context)
  const reports = config.reportsRuns ? createRunReports(context) : undefined
  const observability = await createObservability(context, { config: config.observability, adapters })
  const orchestrator = await createOrchestrator(context, observability)
  const supervisor = new Supervisor(context, { cache, intake: trainerContext.intake, orchestrator })
  const isApart = callbackAddress !== undefined && config.callbackUrl !== undefined && isLoopback(config.publicUrl)
  return {
    app: createRunnerApp({ context, trainerContext, feeds, tracing }),
    trainersApp,
    openGateway: network.openGateway,
    trainers: isApart ? { app: trainersApp, address: callbackAddress } : undefined,
    context,
    upgrade: createLiveSockets(context, feeds),
    async start() {
      await hub.start()
      await network.start()
      await supervisor.start()
      maintenance.start()
      reports?.start()
      observability.start()
    },
    awaitCleanup: (timeoutMs) => awaitCleanup(context, timeoutMs),
    async stop() {
      feeds.stop()
      const parts = [
        { name: 'blocks of series', stop: () => blocks.stop() },
        { name: 'maintenance', stop: () => maintenance.stop() },
        { name: 'statements of runs', stop: () => reports?.stop() },
        { name: 'supervisor', stop: () => supervisor.stop() },
        { name: 'dataset cache', stop: () => cache?.stop() },
        { name: 'network of trainers', stop: () => network.stop() },
        { name: 'launcher', stop: () => launcher.close?.() },
        { name: 'observability', stop: () => observability.stop() },
        { name: 'tracing', stop: () => tracing?.stop() },
        { name: 'hub', stop: () => hub.stop() },
        { name: 'identity', stop: () => (ownsIdentity ? context.identity.close() : undefined) },
        { name: 'database', stop: () => database.close() },
      ]
      await stopInTurn(parts, { logger, withinMs: limits.stopSeconds * 1000 })
    },
  }
}

async function openTracing(otlp: OtlpConfig | undefined): Promise<CallbackTracing | undefined> {
  if (otlp === undefined) return undefined
  // OpenTelemetry takes long to load: only runners that use it pay for it.
  const { createCallbackTracing } = await import('./observability/otlp/index.ts')
  return createCallbackTracing(otlp)
}
