import {
  type AuthConfig,
  AuthEnvironment,
  type MetricsConfig,
  parseConfig,
  readMetricsConfig,
  toAuthConfig,
} from '@trainyard/platform'
import { z } from 'zod'
import { ENVIRONMENT_VARIABLES, type EnvironmentsConfig, environmentsConfig } from './config/environments.ts'
import {
  ORCHESTRATORS,
  type OrchestratorName,
  TEMPORAL_VARIABLES,
  type TemporalConfig,
  temporalConfig,
} from './config/orchestrators.ts'
import { type Prices, parsePrices } from './config/prices.ts'
import { DEFAULT_QUEUES, type Queues, QueuesVariable } from './config/queues.ts'
import { parseRetention, type RetentionConfig } from './config/retention.ts'
import type { AllowedSource } from './datasets/context.ts'
import { parseDatasetSources } from './datasets/sources/parse-dataset-sources.ts'
import { isLoopback, reachableFromContainers } from './launchers/callback-url.ts'
import { LAUNCHERS, type LauncherConfig } from './launchers/create-launcher.ts'
import { readDockerConfig } from './launchers/docker/config.ts'
import { readKubernetesConfig } from './launchers/kubernetes/config.ts'
import { SUBPROCESS_VARIABLES, subprocessSettings } from './launchers/subprocess/config.ts'
import { type ObservabilityConfig, readObservabilityConfig } from './observability/config.ts'

const seconds = (defaultValue: number) => z.coerce.number().positive().default(defaultValue)
/** Read as gigabytes, kept as bytes. */
const gigabytes = (defaultBytes: number) =>
  z.coerce
    .number()
    .nonnegative()
    .default(defaultBytes / 1e9)
    .transform((value) => value * 1e9)
const count = (defaultValue: number) => z.coerce.number().int().nonnegative().default(defaultValue)

/** The runner's settings. Plain data: build it by hand in a test, or with {@link readRunnerConfig}. */
export interface RunnerConfig extends LauncherConfig {
  /** Origin at which people reach the runner. */
  publicUrl: string
  /** Origin at which trainers reach the runner. Default: `publicUrl`. */
  callbackUrl?: string | undefined
  databaseUrl: string
  databaseSchema: string
  /** Holds work folders of attempts, unpacked bundles and the dataset cache. */
  dataDir: string
  /** Interval at which a trainer must report. */
  heartbeatSeconds: number
  /** An attempt that has been silent for this long, by this server's clock, is ended. */
  heartbeatTimeoutSeconds: number
  /** Longest time from the start of a trainer to its first report, and longest time without progress before its start. */
  startTimeoutSeconds: number
  /** Jobs that this runner runs at the same time. */
  maxConcurrentJobs: number
  /** Whether the registry gets a signed statement of each run of its trainers. Default: no. */
  reportsRuns?: boolean | undefined
  /** All queues, the same for every runner of the database. Default: one named `default`, without a limit. */
  queues?: Queues | undefined
  /** Queues that this runner takes jobs from. Default: all. */
  servedQueues?: readonly string[] | undefined
  /** Running jobs of one owner over all runners of the database. Default: no limit. */
  maxConcurrentPerOwner?: number | undefined
  /** Locations whose images datasets may reference. Default: none. */
  datasetSources?: readonly AllowedSource[] | undefined
  /** Which artifacts expire, and when. Default: none. */
  retention?: RetentionConfig | undefined
  /** What use costs. Default: reports name no cost. */
  prices?: Prices | undefined
  /** Signs job tokens with HS256. Default: a key pair that is kept in the database. */
  jwtSecret?: string | undefined
  /** Access to `/metrics`. Default: refused. */
  metrics?: MetricsConfig | undefined
  /** Access for people. Default: everyone on this machine. */
  auth?: AuthConfig | undefined
  /** Prefix of the name of the schema `identity`. Default: none. */
  identitySchemaPrefix?: string | undefined
  /** Where Python environments of trainers are kept, and how they are made. */
  environments?: EnvironmentsConfig | undefined
  /** Systems that receive metrics and artifacts of jobs. Default: none. */
  observability?: ObservabilityConfig | undefined
  /** What decides when jobs run and which replica supervises them. Default: the database. */
  orchestrator?: OrchestratorName | undefined
  /** Needed by the orchestrator "temporal". */
  temporal?: TemporalConfig | undefined
  /** Changes to {@link DEFAULT_RUNNER_LIMITS}. */
  limits?: Partial<RunnerLimits> | undefined
}

export interface RunnerLimits {
  /** Pause between two passes of the supervisor; a notification ends it early. */
  reconcileIntervalMs: number
  /** How long a replica that stopped responding keeps its jobs. */
  leaseSeconds: number
  queuedTimeoutSeconds: number
  /** Pause before the first retry; doubled for each further one, with jitter. */
  retryBackoffSeconds: number
  retryBackoffMaxSeconds: number
  /** Retries that are not charged to the job. The limit stops a job on a machine that always fails. */
  maxFreeRetries: number
  maxLogLinesPerAttempt: number
  /** Names of metrics of one job, over all attempts. Metrics with further names are not stored. */
  maxMetricNames: number
  /** Sustained events per second of one job, with bursts of ten seconds' worth. More is answered with 429. */
  maxEventsPerSecond: number
  /** Rows of events waiting for the database in this process. More is answered with 429. */
  maxWaitingRows: number
  /** Lifetime of a job token. A new one is issued after half of it. */
  tokenSeconds: number
  /** Size of the largest artifact. */
  maxArtifactBytes: number
  /** Bytes of all artifacts of a job, complete or announced. */
  maxJobArtifactBytes: number
  /** Number of artifacts of a job, complete or announced. */
  maxJobArtifacts: number
  /** The same for all jobs of a project. */
  maxProjectArtifactBytes: number
  maxProjectArtifacts: number
  /** Bytes of a project's datasets in the store, with those of uploads that have not ended. */
  maxProjectDatasetBytes: number
  /** Number of their files. */
  maxProjectDatasetFiles: number
  /** Jobs of a project that wait for pictures to predict. */
  maxPredictors: number
  /** How long such a job waits for the next picture before it ends. */
  predictorIdleSeconds: number
  /** Pause between two measurements of what an attempt uses. It grows with the age of the attempt. */
  sampleSeconds: number
  /** Pause between two searches for what attempts have left on the machine after they were cleaned up. */
  leftoverSeconds: number
  /** Pause between two rounds of cleaning up. */
  maintenanceSeconds: number
  /** Pause between two rounds of stating runs to the registry. */
  reportSeconds: number
  /** Time that all parts together have to stop; what has not stopped by then is abandoned. */
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
  maxMetricNames: 10_000,
  maxEventsPerSecond: 20_000,
  maxWaitingRows: 200_000,
  tokenSeconds: 6 * 3600,
  maxArtifactBytes: 64 * 1024 ** 3,
  maxJobArtifactBytes: 200e9,
  maxJobArtifacts: 10_000,
  maxProjectArtifactBytes: 5000e9,
  maxProjectArtifacts: 500_000,
  maxProjectDatasetBytes: 5000e9,
  maxProjectDatasetFiles: 20_000_000,
  maxPredictors: 4,
  predictorIdleSeconds: 300,
  sampleSeconds: 5,
  leftoverSeconds: 20,
  maintenanceSeconds: 600,
  reportSeconds: 5,
  stopSeconds: 30,
}

/** Text that `parse` understands. Its error message becomes the issue. */
const parsedText = <T>(parse: (text: string) => T) =>
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
  REPORT_RUNS: z.enum(['true', 'false']).default('false'),
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
  MAX_METRIC_NAMES: z.coerce.number().int().positive().default(DEFAULT_RUNNER_LIMITS.maxMetricNames),
  MAX_PREDICTORS: z.coerce.number().int().positive().default(DEFAULT_RUNNER_LIMITS.maxPredictors),
  PREDICTOR_IDLE_SECONDS: seconds(DEFAULT_RUNNER_LIMITS.predictorIdleSeconds),
  LAUNCHER: z.enum(LAUNCHERS).default('subprocess'),
  ...SUBPROCESS_VARIABLES,
  DATASET_SOURCES: parsedText(parseDatasetSources).optional(),
  RETENTION: parsedText(parseRetention).optional(),
  PRICES: parsedText(parsePrices).optional(),
  DATASET_CACHE_DIR: z.string().regex(/^\//, 'must be an absolute path').optional(),
  ARTIFACT_MAX_GB_PER_JOB: gigabytes(DEFAULT_RUNNER_LIMITS.maxJobArtifactBytes),
  ARTIFACT_MAX_FILES_PER_JOB: count(DEFAULT_RUNNER_LIMITS.maxJobArtifacts),
  ARTIFACT_MAX_GB_PER_PROJECT: gigabytes(DEFAULT_RUNNER_LIMITS.maxProjectArtifactBytes),
  ARTIFACT_MAX_FILES_PER_PROJECT: count(DEFAULT_RUNNER_LIMITS.maxProjectArtifacts),
  DATASET_MAX_GB_PER_PROJECT: gigabytes(DEFAULT_RUNNER_LIMITS.maxProjectDatasetBytes),
  DATASET_MAX_FILES_PER_PROJECT: count(DEFAULT_RUNNER_LIMITS.maxProjectDatasetFiles),
  DATASET_CACHE_MAX_GB: z.coerce.number().positive().default(20),
  ...ENVIRONMENT_VARIABLES,
  ORCHESTRATOR: z.enum(ORCHESTRATORS).default('database'),
  ...TEMPORAL_VARIABLES,
  ...AuthEnvironment,
  JWT_SECRET: z.string().min(32, 'must be at least 32 characters').optional(),
})

/**
 * Reads the runner's settings from environment variables.
 *
 * @throws ConfigError which names each invalid variable
 */
export function readRunnerConfig(env: Record<string, string | undefined>): RunnerConfig {
  const schema = RunnerEnvironment.refine((e) => e.HEARTBEAT_TIMEOUT_SECONDS > e.HEARTBEAT_SECONDS, {
    path: ['HEARTBEAT_TIMEOUT_SECONDS'],
    error: 'must be longer than HEARTBEAT_SECONDS: otherwise every attempt times out between two heartbeats',
  })
    .refine((e) => (e.SERVED_QUEUES ?? []).every((name) => Object.hasOwn(e.QUEUES ?? DEFAULT_QUEUES, name)), {
      path: ['SERVED_QUEUES'],
      error: 'must be names of QUEUES, separated by commas',
    })
    .refine((e) => e.ORCHESTRATOR !== 'temporal' || e.TEMPORAL_ADDRESS !== undefined, {
      path: ['TEMPORAL_ADDRESS'],
      error: 'must be the HOST:PORT of a Temporal server when ORCHESTRATOR is "temporal"',
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
    callbackUrl,
    databaseUrl: values.DATABASE_URL,
    databaseSchema: values.RUNNER_DATABASE_SCHEMA,
    dataDir: values.DATA_DIR,
    registryUrl: values.REGISTRY_URL,
    registryToken: values.REGISTRY_TOKEN,
    reportsRuns: values.REPORT_RUNS === 'true',
    heartbeatSeconds: values.HEARTBEAT_SECONDS,
    heartbeatTimeoutSeconds: values.HEARTBEAT_TIMEOUT_SECONDS,
    startTimeoutSeconds: values.START_TIMEOUT_SECONDS,
    cancelGraceSeconds: values.CANCEL_GRACE_SECONDS,
    maxConcurrentJobs: values.MAX_CONCURRENT_JOBS,
    queues: values.QUEUES,
    servedQueues: values.SERVED_QUEUES,
    maxConcurrentPerOwner: values.MAX_CONCURRENT_PER_OWNER,
    launcher: values.LAUNCHER,
    docker,
    kubernetes,
    subprocess: subprocessSettings(values),
    trustsTrainers: isOwnRegistry(values),
    datasetCacheDir: values.DATASET_CACHE_DIR,
    datasetCacheMaxGb: values.DATASET_CACHE_MAX_GB,
    datasetSources: values.DATASET_SOURCES,
    retention: values.RETENTION,
    prices: values.PRICES,
    metrics: readMetricsConfig(env),
    auth: toAuthConfig(values),
    observability: readObservabilityConfig(env),
    environments: environmentsConfig(values, env),
    orchestrator: values.ORCHESTRATOR,
    temporal: temporalConfig(values),
    jwtSecret: values.JWT_SECRET,
    limits: {
      maxMetricNames: values.MAX_METRIC_NAMES,
      maxPredictors: values.MAX_PREDICTORS,
      predictorIdleSeconds: values.PREDICTOR_IDLE_SECONDS,
      maxJobArtifactBytes: values.ARTIFACT_MAX_GB_PER_JOB,
      maxJobArtifacts: values.ARTIFACT_MAX_FILES_PER_JOB,
      maxProjectArtifactBytes: values.ARTIFACT_MAX_GB_PER_PROJECT,
      maxProjectArtifacts: values.ARTIFACT_MAX_FILES_PER_PROJECT,
      maxProjectDatasetBytes: values.DATASET_MAX_GB_PER_PROJECT,
      maxProjectDatasetFiles: values.DATASET_MAX_FILES_PER_PROJECT,
    },
  }
}

/** With AUTH=local only the owner of this machine can publish in its own registry. Trainers from elsewhere are of strangers. */
function isOwnRegistry({ AUTH, PUBLIC_URL, REGISTRY_URL }: z.infer<typeof RunnerEnvironment>): boolean {
  return AUTH === 'local' && (REGISTRY_URL === undefined || isLoopback(REGISTRY_URL) || REGISTRY_URL === PUBLIC_URL)
}

function kubernetesConfig(env: Record<string, string | undefined>, values: z.infer<typeof RunnerEnvironment>) {
  return readKubernetesConfig(env, {
    cancelGraceSeconds: values.CANCEL_GRACE_SECONDS,
    datasetCacheMaxGb: values.DATASET_CACHE_MAX_GB,
    datasetCacheDir: values.DATASET_CACHE_DIR,
  })
}
