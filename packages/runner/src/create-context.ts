import { join } from 'node:path'
import { EnvironmentStore } from '@trainyard/environments'
import {
  type Clock,
  createAuthenticator,
  createJobTokens,
  type Database,
  DEFAULT_AUTH,
  type Identity,
  type Logger,
  loadSigningKeys,
  type ObjectStore,
  systemClock,
} from '@trainyard/platform'
import { cacheJobTokens } from './auth/cache-job-tokens.ts'
import { DEFAULT_RUNNER_LIMITS, type RunnerConfig } from './config.ts'
import type { RunnerContext } from './context.ts'
import type { RunnerDatabase } from './db/schema/index.ts'
import { createJobHub } from './job-hub.ts'
import { createLauncher } from './launchers/create-launcher.ts'
import type { Launcher } from './launchers/launcher.ts'
import { timedLauncher, timedStore } from './observability/metrics/instrument.ts'
import { addStateGauges } from './observability/metrics/state-gauges.ts'
import { RunnerTelemetry } from './observability/metrics/telemetry.ts'
import { createRegistryTrainerSource } from './trainers/registry-source.ts'
import type { TrainerSource } from './trainers/source.ts'
import { unconfiguredTrainerSource } from './trainers/unconfigured-source.ts'

export interface ContextOptions {
  config: RunnerConfig
  store: ObjectStore
  logger: Logger
  clock?: Clock | undefined
  /** Default: the registry at `config.registryUrl`. */
  trainers?: TrainerSource | undefined
  /** Default: the launcher that `config.launcher` names. */
  launcher?: Launcher | undefined
}

export interface ContextParts {
  database: Database<RunnerDatabase>
  identity: Identity
  /** Absolute. */
  dataDir: string
}

/** Builds the runner's context from its configuration. The options replace single parts of it. */
export async function createContext(
  options: ContextOptions,
  { database, identity, dataDir }: ContextParts,
): Promise<RunnerContext> {
  const { config, logger, clock = systemClock } = options
  const keys = await loadSigningKeys(database, { secret: config.jwtSecret })
  const { id: instanceId } = await database.db.selectFrom('instance').select('id').executeTakeFirstOrThrow()
  const telemetry = new RunnerTelemetry()
  addStateGauges(telemetry, database)
  const launcher = options.launcher ?? (await createLauncher({ config, dataDir, instanceId, logger }))
  return {
    config,
    limits: { ...DEFAULT_RUNNER_LIMITS, ...config.limits },
    instanceId,
    database,
    store: timedStore(options.store, telemetry),
    logger,
    clock,
    tokens: cacheJobTokens(createJobTokens({ keys, clock }), clock),
    // Without the secret: others verify with the public half.
    statementKeys: config.jwtSecret === undefined ? keys : await loadSigningKeys(database),
    identity,
    authenticator: createAuthenticator({
      identity,
      config: config.auth ?? DEFAULT_AUTH,
      logger,
      publicUrl: () => config.publicUrl,
    }),
    trainers: options.trainers ?? defaultTrainers(config, dataDir),
    launcher: timedLauncher(launcher, telemetry),
    environments: openEnvironments(config, dataDir, launcher),
    hub: createJobHub(database, logger),
    telemetry,
  }
}

function openEnvironments(config: RunnerConfig, dataDir: string, launcher: Launcher): EnvironmentStore | undefined {
  const { environmentBuilds } = launcher
  if (environmentBuilds === undefined) return undefined
  const { dir = join(dataDir, 'environments'), ...settings } = config.environments ?? {}
  return new EnvironmentStore({ dir, ...settings, ...environmentBuilds })
}

function defaultTrainers(config: RunnerConfig, dataDir: string): TrainerSource {
  const { registryUrl, registryToken: token } = config
  if (registryUrl === undefined) return unconfiguredTrainerSource
  return createRegistryTrainerSource({ registryUrl, token, cacheDir: join(dataDir, 'bundles') })
}
