import { type AuthConfig, AuthEnvironment, parseConfig, toAuthConfig } from '@trainyard/platform'
import { z } from 'zod'
import { parseRetention, type RetentionConfig } from './artifacts/retention-config.ts'
import { type AllowedSource, parseDatasetSources } from './datasets/sources.ts'
import { reachableFromContainers } from './launchers/callback-url.ts'
import { LAUNCHERS, type LauncherName } from './launchers/create-launcher.ts'
import { type DockerConfig, readDockerConfig } from './launchers/docker/config.ts'
import { type KubernetesConfig, readKubernetesConfig } from './launchers/kubernetes/config.ts'
import { SUBPROCESS_VARIABLES, type SubprocessSettings, subprocessSettings } from './launchers/subprocess/config.ts'
import { type ObservabilityConfig, readObservabilityConfig } from './observability/config.ts'
import { type MetricsConfig, readMetricsConfig } from './observability/metrics/config.ts'
import { DEFAULT_QUEUES, type Queues, QueuesVariable } from './queues/queues.ts'

const seconds = (defaultValue: number) => z.coerce.number().positive().default(defaultValue)
const count = (defaultValue: number) => z.coerce.number().int().nonnegative().default(defaultValue)

/** What the runner needs to know. Plain data: build it by hand in a test, or with {@link readRunnerConfig}. */
export interface RunnerConfig {
  /** Origin under which people reach the runner. */
  publicUrl: string
  /** Origin under which trainers reach it; `publicUrl` when absent. */
  callbackUrl?: string
  databaseUrl: string
  databaseSchema: string
  /** Work folders of attempts, unpacked bundles, the dataset cache. */
  dataDir: string
  registryUrl?: string
  registryToken?: string
  /** How often a trainer should be heard. */
  heartbeatSeconds: number
  /** After how much silence, by this server's clock, an attempt is given up. */
  heartbeatTimeoutSeconds: number
  /** How long a launched trainer may take until it is first heard. */
  startTimeoutSeconds: number
  /** From SIGTERM to SIGKILL. */
  cancelGraceSeconds: number
  /** Of this runner. */
  maxConcurrentJobs: number
  /** The queues there are, the same for every runner of the database. Default: `default`, without a limit of its own. */
  queues?: Queues
  /** Those that this runner takes jobs from. Default: all. */
  servedQueues?: readonly string[]
  /** Over all runners of the database; no limit when absent. */
  maxConcurrentPerOwner?: number
  /** Where trainers run. Default: `subprocess`. */
  launcher?: LauncherName
  /** For `docker`. */
  docker?: DockerConfig
  /** For `kubernetes`. */
  kubernetes?: KubernetesConfig
  /** For the subprocess launcher. Default: nothing keeps its trainers apart, nobody counts devices. */
  subprocess?: SubprocessSettings
  /** Folders beside `dataDir` that no trainer is to see: the database's, say. */
  hiddenDirs?: readonly string[]
  /** Where datasets are kept for trainers, who only read them. Default: `datasets` in the data folder. */
  datasetCacheDir?: string
  datasetCacheMaxGb: number
  /** Where datasets may stay that are only referred to. Default: nowhere. */
  datasetSources?: readonly AllowedSource[]
  /** Which artifacts go after a while. Default: none. */
  retention?: RetentionConfig
  /** With it job tokens are signed with HS256; without it with a key pair kept in the database. */
  jwtSecret?: string
  /** Who may read `/metrics`. Default: nobody. */
  metrics?: MetricsConfig
  /** Who may come in. Default: whoever is on this machine. */
  auth?: AuthConfig
  /** Goes before the name of the schema `identity`. Default: none. */
  identitySchemaPrefix?: string
  /** Who else is told of jobs. Default: nobody. */
  observability?: ObservabilityConfig
  /** Changes to {@link DEFAULT_RUNNER_LIMITS}. */
  limits?: Partial<RunnerLimits>
}

export interface RunnerLimits {
  /** The pause between two looks at everything; wake-ups come sooner. */
  reconcileIntervalMs: number
  /** How long a replica that went silent keeps its jobs. */
  leaseSeconds: number
  queuedTimeoutSeconds: number
  /** The first pause before a retry; doubled each time, with jitter. */
  retryBackoffSeconds: number
  retryBackoffMaxSeconds: number
  /** Retries that do not count, so that a machine that always fails does not try for ever. */
  maxFreeRetries: number
  maxLogLinesPerAttempt: number
  /** Events a second that one job may send for long; ten seconds' worth at once. More is answered with 429. */
  maxEventsPerSecond: number
  /** Rows of events that may wait for the database in this process; more is answered with 429. */
  maxWaitingRows: number
  /** Life of a job token; a successor is handed out from half of it on. */
  tokenSeconds: number
  /** The largest artifact. */
  maxArtifactBytes: number
  /** The pause between two rounds of cleaning up. */
  maintenanceSeconds: number
  /** What hangs when the runner is stopped is left behind after this long, all parts together. */
  stopSeconds: number
}

export const DEFAULT_RUNNER_LIMITS: RunnerLimits = {
  reconcileIntervalMs: 1000,
  leaseSeconds: 30,
  queuedTimeoutSeconds: 7 * 86_400,
  retryBackoffSeconds: 5,
  retryBackoffMaxSeconds: 300,
  maxFreeRetries: 10,
  maxLogLinesPerAttempt: 200_000,
  maxEventsPerSecond: 20_000,
  maxWaitingRows: 200_000,
  tokenSeconds: 6 * 3600,
  maxArtifactBytes: 64 * 1024 ** 3,
  maintenanceSeconds: 600,
  stopSeconds: 30,
}

/** Text that a function understands, or says in a sentence why not. */
const sentence = <T>(parse: (text: string) => T) =>
  z.string().transform((text, issues): T => {
    try {
      return parse(text)
    } catch (error) {
      issues.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })

const RunnerEnvironment = z.object({
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7600'),
  CALLBACK_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATABASE_URL: z.string().min(1),
  RUNNER_DATABASE_SCHEMA: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/, 'must be lower-case letters, digits and "_"')
    .default('runner'),
  DATA_DIR: z.string().min(1).default('.trainyard/runner'),
  REGISTRY_URL: z.url({ protocol: /^https?$/ }).optional(),
  REGISTRY_TOKEN: z.string().min(1).optional(),
  HEARTBEAT_SECONDS: seconds(15),
  HEARTBEAT_TIMEOUT_SECONDS: seconds(60),
  START_TIMEOUT_SECONDS: seconds(120),
  CANCEL_GRACE_SECONDS: seconds(30),
  MAX_CONCURRENT_JOBS: count(2),
  QUEUES: QueuesVariable.optional(),
  SERVED_QUEUES: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .optional(),
  MAX_CONCURRENT_PER_OWNER: z.coerce.number().int().positive().optional(),
  LAUNCHER: z.enum(LAUNCHERS).default('subprocess'),
  ...SUBPROCESS_VARIABLES,
  DATASET_SOURCES: sentence(parseDatasetSources).optional(),
  RETENTION: sentence(parseRetention).optional(),
  DATASET_CACHE_DIR: z.string().regex(/^\//, 'must be an absolute path').optional(),
  DATASET_CACHE_MAX_GB: z.coerce.number().positive().default(20),
  ...AuthEnvironment,
  JWT_SECRET: z.string().min(32, 'must be at least 32 characters').optional(),
})

/** Reads the runner's settings from an environment; throws a ConfigError in sentences. */
export function readRunnerConfig(env: Record<string, string | undefined>): RunnerConfig {
  const schema = RunnerEnvironment.refine((e) => e.HEARTBEAT_TIMEOUT_SECONDS > e.HEARTBEAT_SECONDS, {
    path: ['HEARTBEAT_TIMEOUT_SECONDS'],
    error: 'must be longer than HEARTBEAT_SECONDS, or every trainer is given up between two heartbeats',
  }).refine((e) => (e.SERVED_QUEUES ?? []).every((name) => Object.hasOwn(e.QUEUES ?? DEFAULT_QUEUES, name)), {
    path: ['SERVED_QUEUES'],
    error: 'must be names of QUEUES, separated by commas',
  })
  const values = parseConfig(schema, env, 'runner')
  const docker = values.LAUNCHER === 'docker' ? readDockerConfig(env) : undefined
  const kubernetes = values.LAUNCHER === 'kubernetes' ? kubernetesConfig(env, values) : undefined
  const callbackHost = docker?.callbackHost ?? kubernetes?.callbackAddress
  const callbackUrl =
    values.CALLBACK_PUBLIC_URL ??
    (callbackHost === undefined ? undefined : reachableFromContainers(values.PUBLIC_URL, callbackHost))
  return {
    publicUrl: values.PUBLIC_URL,
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    databaseUrl: values.DATABASE_URL,
    databaseSchema: values.RUNNER_DATABASE_SCHEMA,
    dataDir: values.DATA_DIR,
    ...(values.REGISTRY_URL === undefined ? {} : { registryUrl: values.REGISTRY_URL }),
    ...(values.REGISTRY_TOKEN === undefined ? {} : { registryToken: values.REGISTRY_TOKEN }),
    heartbeatSeconds: values.HEARTBEAT_SECONDS,
    heartbeatTimeoutSeconds: values.HEARTBEAT_TIMEOUT_SECONDS,
    startTimeoutSeconds: values.START_TIMEOUT_SECONDS,
    cancelGraceSeconds: values.CANCEL_GRACE_SECONDS,
    maxConcurrentJobs: values.MAX_CONCURRENT_JOBS,
    ...(values.QUEUES === undefined ? {} : { queues: values.QUEUES }),
    ...(values.SERVED_QUEUES === undefined ? {} : { servedQueues: values.SERVED_QUEUES }),
    ...(values.MAX_CONCURRENT_PER_OWNER === undefined
      ? {}
      : { maxConcurrentPerOwner: values.MAX_CONCURRENT_PER_OWNER }),
    launcher: values.LAUNCHER,
    ...(docker === undefined ? {} : { docker }),
    ...(kubernetes === undefined ? {} : { kubernetes }),
    subprocess: subprocessSettings(values),
    ...(values.DATASET_CACHE_DIR === undefined ? {} : { datasetCacheDir: values.DATASET_CACHE_DIR }),
    datasetCacheMaxGb: values.DATASET_CACHE_MAX_GB,
    ...(values.DATASET_SOURCES === undefined ? {} : { datasetSources: values.DATASET_SOURCES }),
    ...(values.RETENTION === undefined ? {} : { retention: values.RETENTION }),
    metrics: readMetricsConfig(env),
    auth: toAuthConfig(values),
    observability: readObservabilityConfig(env),
    ...(values.JWT_SECRET === undefined ? {} : { jwtSecret: values.JWT_SECRET }),
  }
}

function kubernetesConfig(env: Record<string, string | undefined>, values: z.infer<typeof RunnerEnvironment>) {
  return readKubernetesConfig(env, {
    cancelGraceSeconds: values.CANCEL_GRACE_SECONDS,
    datasetCacheMaxGb: values.DATASET_CACHE_MAX_GB,
    datasetCacheDir: values.DATASET_CACHE_DIR,
  })
}
