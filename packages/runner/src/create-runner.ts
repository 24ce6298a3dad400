import { join, resolve } from 'node:path'
import type { OpenAPIHono } from '@hono/zod-openapi'
import {
  type Clock,
  createAuthenticator,
  createJobTokens,
  DEFAULT_AUTH,
  ensureWritableFolder,
  type Identity,
  type Logger,
  loadSigningKeys,
  type ObjectStore,
  openDatabase,
  openIdentity,
  stopInTurn,
  systemClock,
  type UpgradeHandler,
} from '@trainyard/platform'
import { createRunnerApp, createTrainersApp } from './app.ts'
import { cacheJobTokens } from './auth/cache-job-tokens.ts'
import { createIntake } from './callback/intake.ts'
import { storeForTrainers } from './callback/trainer-store.ts'
import { DEFAULT_RUNNER_LIMITS, type RunnerConfig } from './config.ts'
import type { RunnerContext } from './context.ts'
import { createCacheKeeper } from './dataset-cache/keep-cache.ts'
import { runnerMigrations } from './db/migrations/index.ts'
import type { RunnerDatabase } from './db/schema/index.ts'
import { createJobHub } from './job-hub.ts'
import { isLoopback } from './launchers/callback-url.ts'
import { createLauncher } from './launchers/create-launcher.ts'
import type { AttemptRef, Launcher } from './launchers/launcher.ts'
import { createLiveFeeds } from './live/feeds.ts'
import { createLiveSockets } from './live/serve-sockets.ts'
import { createMaintenance } from './maintenance/maintenance.ts'
import { createBlockBuilder } from './metrics/block-builder.ts'
import type { ObservabilityAdapter } from './observability/adapter.ts'
import { createObservability } from './observability/index.ts'
import { timedLauncher, timedStore } from './observability/metrics/instrument.ts'
import { addStateGauges } from './observability/metrics/state-gauges.ts'
import { createTelemetry } from './observability/metrics/telemetry.ts'
import { awaitCleanup } from './supervisor/await-cleanup.ts'
import { createSupervisor } from './supervisor/supervisor.ts'
import { createRegistryTrainerSource } from './trainers/registry-source.ts'
import type { TrainerSource } from './trainers/source.ts'
import { unconfiguredTrainerSource } from './trainers/unconfigured-source.ts'

export interface CreateRunnerOptions {
  config: RunnerConfig
  store: ObjectStore
  logger: Logger
  /** Default: the registry at `config.registryUrl`. */
  trainers?: TrainerSource
  clock?: Clock
  /** Default: opened in the runner's database, and closed with it. A given one stays open. */
  identity?: Identity
  /** Default: the one that `config.launcher` names. */
  launcher?: Launcher
  /** Default: those that `config.observability` names. */
  adapters?: readonly ObservabilityAdapter[] | undefined
}

export interface Runner {
  app: OpenAPIHono
  /** Only what a job token opens: all that is served to trainers where they are kept apart. */
  trainersApp: OpenAPIHono
  /** Serves trainers that have a network of their own; absent where they have none. {@link listenForTrainers} calls it. */
  openGate?: Launcher['openGate']
  /**
   * For trainers that cannot reach this machine's loopback: what is to be served there, and at which address. Absent when
   * they reach us as everybody does.
   */
  trainers?: { app: OpenAPIHono; address: string }
  context: RunnerContext
  /** Live streams as WebSockets: for `listen(app, { upgrade })`. */
  upgrade: UpgradeHandler
  /** Looks after jobs, those of a runner that died among them. */
  start(): Promise<void>
  /**
   * Waits until nothing is left of attempts that are over: their containers, folders, networks. Gives those that were not
   * cleaned up in time; the next start does it.
   */
  awaitCleanup(timeoutMs: number): Promise<AttemptRef[]>
  /** Stops looking and closes the database; running trainers run on and keep their events. Leaves behind what hangs. */
  stop(): Promise<void>
}

/** Opens the runner's database and builds its app; `start()` sets it to work. */
export async function createRunner(options: CreateRunnerOptions): Promise<Runner> {
  const { config, store, logger, clock = systemClock } = options
  const limits = { ...DEFAULT_RUNNER_LIMITS, ...config.limits }
  const dataDir = resolve(config.dataDir)
  await ensureWritableFolder(dataDir, 'the data folder (DATA_DIR)')
  const database = await openDatabase<RunnerDatabase>({
    url: config.databaseUrl,
    schema: config.databaseSchema,
    migrations: runnerMigrations,
    logger,
  })
  let identity: Identity | undefined
  try {
    identity = options.identity ?? (await openOwnIdentity(config, logger))
    const people = identity
    const keys = await loadSigningKeys(database, config.jwtSecret === undefined ? {} : { secret: config.jwtSecret })
    const instance = await database.db.selectFrom('instance').select('id').executeTakeFirstOrThrow()
    const telemetry = createTelemetry()
    addStateGauges(telemetry, database)
    const hub = createJobHub(database, logger)
    const blocks = createBlockBuilder(database, logger)
    const otlp = config.observability?.otlp
    // OpenTelemetry is large; who does not use it does not wait for it.
    const tracing =
      otlp === undefined ? undefined : (await import('./observability/otlp/index.ts')).createCallbackTracing(otlp)
    const context: RunnerContext = {
      config,
      limits,
      database,
      store: timedStore(store, telemetry),
      logger,
      clock,
      tokens: cacheJobTokens(createJobTokens({ keys, clock }), clock),
      identity,
      authenticator: createAuthenticator({
        ...{ identity, config: config.auth ?? DEFAULT_AUTH, logger },
        publicUrl: () => config.publicUrl,
      }),
      trainers: options.trainers ?? defaultTrainers(config, dataDir),
      launcher: timedLauncher(
        options.launcher ?? (await createLauncher({ config, dataDir, instanceId: instance.id, logger })),
        telemetry,
      ),
      hub,
      telemetry,
    }
    const feeds = createLiveFeeds({ database, hub, logger, telemetry })
    const { datasetCache } = context.launcher
    const cache = datasetCache === undefined ? undefined : createCacheKeeper(context, datasetCache)
    const supervisor = createSupervisor(context, cache)
    const maintenance = createMaintenance(context)
    const trainerContext = {
      ...context,
      store: storeForTrainers(context.store, config),
      intake: createIntake({ config, limits, database, clock, telemetry, blocks }),
    }
    const { callbackAddress } = context.launcher
    const trainersApp = createTrainersApp({ trainerContext, tracing })
    let isGateOpen = false
    let ownGate: { close(): Promise<void> } | undefined
    const openGate: Launcher['openGate'] = (app) => {
      isGateOpen = true
      if (context.launcher.openGate === undefined) throw new Error('trainers have no network of their own here')
      return context.launcher.openGate(app)
    }
    const observability = await createObservability(context, {
      instanceId: instance.id,
      config: config.observability,
      adapters: options.adapters,
    })
    return {
      app: createRunnerApp({ context, trainerContext, feeds, tracing }),
      trainersApp,
      ...(context.launcher.openGate === undefined ? {} : { openGate }),
      ...(callbackAddress !== undefined && config.callbackUrl !== undefined && isLoopback(config.publicUrl)
        ? { trainers: { app: trainersApp, address: callbackAddress } }
        : {}),
      context,
      upgrade: createLiveSockets(context, feeds),
      async start() {
        await context.hub.start()
        // Whoever embeds us and knows of no gate: callbacks are heard, and a store elsewhere is reached.
        if (!isGateOpen && context.launcher.openGate !== undefined) ownGate = await openGate(trainersApp)
        await supervisor.start()
        maintenance.start()
        observability.start()
      },
      awaitCleanup: (timeoutMs) => awaitCleanup(context, timeoutMs),
      async stop() {
        feeds.stop()
        const parts = [
          { name: 'blocks of series', stop: () => blocks.stop() },
          { name: 'maintenance', stop: () => maintenance.stop() },
          { name: 'supervisor', stop: () => supervisor.stop() },
          { name: 'dataset cache', stop: () => cache?.stop() },
          { name: 'gate', stop: () => ownGate?.close() },
          { name: 'launcher', stop: () => context.launcher.close?.() },
          { name: 'observability', stop: () => observability.stop() },
          { name: 'tracing', stop: () => tracing?.stop() },
          { name: 'hub', stop: () => context.hub.stop() },
          { name: 'identity', stop: () => (options.identity === undefined ? people.close() : undefined) },
          { name: 'database', stop: () => database.close() },
        ]
        await stopInTurn(parts, { logger, withinMs: limits.stopSeconds * 1000 })
      },
    }
  } catch (error) {
    if (options.identity === undefined) await identity?.close()
    await database.close()
    throw error
  }
}

async function openOwnIdentity(config: RunnerConfig, logger: Logger): Promise<Identity> {
  const { databaseUrl: url, identitySchemaPrefix: schemaPrefix } = config
  return await openIdentity({ url, logger, ...(schemaPrefix === undefined ? {} : { schemaPrefix }) })
}

function defaultTrainers(config: RunnerConfig, dataDir: string): TrainerSource {
  if (config.registryUrl === undefined) return unconfiguredTrainerSource
  return createRegistryTrainerSource({
    registryUrl: config.registryUrl,
    cacheDir: join(dataDir, 'bundles'),
    ...(config.registryToken === undefined ? {} : { token: config.registryToken }),
  })
}
