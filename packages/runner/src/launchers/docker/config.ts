import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

/** How trainers run as containers of one Docker engine. */
export interface DockerConfig {
  /** `unix:///path` or `tcp://host:port`. Default: where engines usually listen. */
  host?: string
  /** Holds `ca.pem`, `cert.pem` and `key.pem` for an engine over TLS. */
  certPath?: string
  /** `job`: a bridge network for each job. Otherwise the name of a network that exists. */
  network: string
  /** Out of it the networks of jobs are cut: Docker's own pool holds about thirty. */
  subnets: string
  /** The host under which a container finds a platform that listens on loopback. */
  callbackHost: string
  /** Numeric `uid:gid`, never root. */
  user: string
  /** For trainers whose manifest names no memory. */
  memoryMb: number
  /** For trainers whose manifest names no cores; all of them when absent. */
  cpus?: number
  /** For trainers whose manifest names no shared memory. */
  shmMb: number
  /** What a job may write, for trainers whose manifest does not say; without a limit when absent. */
  diskGb?: number
  /** Size of /tmp, which is memory of the job. */
  tmpMb: number
  pidsLimit: number
  /** What the engine keeps of one trainer's output. */
  logMaxMb: number
  /**
   * What the engine calls the runner's dataset cache: a volume that the runner has mounted there too, or a folder of the
   * engine's machine. `none` gives each job a cache of its own. Default: the runner's own folder where the engine runs on
   * the runner's machine, else `none`.
   */
  datasetCache?: string
  /** By registry host. */
  credentials: Readonly<Record<string, RegistryCredentials>>
}

export interface RegistryCredentials {
  username: string
  password: string
}

const count = (defaultValue: number) => z.coerce.number().int().positive().default(defaultValue)

const Login = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
})

/** The format of Docker's own `config.json`, so that one can be pasted. */
const AuthConfig = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON, as in Docker’s config.json' })
      return z.NEVER
    }
  })
  .pipe(z.object({ auths: z.record(z.string(), Login) }))

const DockerEnvironment = z.object({
  DOCKER_HOST: z
    .string()
    .regex(/^(unix:\/\/\/|tcp:\/\/[^/]+:\d+\/?$)/, 'must be "unix:///path" or "tcp://host:port"')
    .optional(),
  DOCKER_TLS_VERIFY: z.string().optional(),
  DOCKER_CERT_PATH: z.string().optional(),
  DOCKER_NETWORK: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, 'must be "job" or the name of a network')
    .refine((name) => name !== 'host' && name !== 'none', 'must be a network that separates a trainer from the machine')
    .default('job'),
  DOCKER_SUBNETS: z
    .string()
    .regex(/^(\d{1,3}\.){3}\d{1,3}\/(1\d|2[0-8]|[89])$/, 'must be an IPv4 range from /8 to /28, like "10.213.0.0/16"')
    .default('10.213.0.0/16'),
  DOCKER_CALLBACK_HOST: z.string().min(1).default('host.docker.internal'),
  DOCKER_USER: z
    .string()
    .regex(/^[1-9]\d*:[1-9]\d*$/, 'must be two numbers above 0, "uid:gid": trainers never run as root')
    .default('10001:10001'),
  DOCKER_MEMORY_MB: count(4096),
  DOCKER_CPUS: z.coerce.number().positive().optional(),
  DOCKER_SHM_MB: count(1024),
  DOCKER_DISK_GB: z.coerce.number().positive().optional(),
  DOCKER_TMP_MB: count(256),
  DOCKER_PIDS_LIMIT: count(1024),
  DOCKER_LOG_MAX_MB: z.coerce.number().int().min(2).default(100),
  DOCKER_DATASET_CACHE: z
    .string()
    .regex(/^(\/|[A-Za-z0-9][\w.-]*$)/, 'must be a volume’s name, an absolute path, or "none"')
    .optional(),
  DOCKER_AUTH_CONFIG: AuthConfig.optional(),
})

/** Reads `DOCKER_…`; throws a ConfigError in sentences. */
export function readDockerConfig(env: Record<string, string | undefined>): DockerConfig {
  const schema = DockerEnvironment.refine(
    (e) => e.DOCKER_TLS_VERIFY === undefined || e.DOCKER_CERT_PATH !== undefined,
    {
      path: ['DOCKER_CERT_PATH'],
      error: 'must be set when DOCKER_TLS_VERIFY is: the folder with ca.pem, cert.pem and key.pem',
    },
  )
  const values = parseConfig(schema, env, 'the Docker launcher')
  return {
    ...(values.DOCKER_HOST === undefined ? {} : { host: values.DOCKER_HOST }),
    ...(values.DOCKER_TLS_VERIFY !== undefined && values.DOCKER_CERT_PATH !== undefined
      ? { certPath: values.DOCKER_CERT_PATH }
      : {}),
    network: values.DOCKER_NETWORK,
    subnets: values.DOCKER_SUBNETS,
    callbackHost: values.DOCKER_CALLBACK_HOST,
    user: values.DOCKER_USER,
    memoryMb: values.DOCKER_MEMORY_MB,
    ...(values.DOCKER_CPUS === undefined ? {} : { cpus: values.DOCKER_CPUS }),
    shmMb: values.DOCKER_SHM_MB,
    ...(values.DOCKER_DISK_GB === undefined ? {} : { diskGb: values.DOCKER_DISK_GB }),
    tmpMb: values.DOCKER_TMP_MB,
    pidsLimit: values.DOCKER_PIDS_LIMIT,
    logMaxMb: values.DOCKER_LOG_MAX_MB,
    ...(values.DOCKER_DATASET_CACHE === undefined ? {} : { datasetCache: values.DOCKER_DATASET_CACHE }),
    credentials: Object.fromEntries(
      Object.entries(values.DOCKER_AUTH_CONFIG?.auths ?? {}).map(([key, login]) => [hostOf(key), credentialsOf(login)]),
    ),
  }
}

/** Trainers of our own registry are pulled with the runner's token, unless there is a login for it. */
export function withRegistryToken(config: DockerConfig, registryUrl?: string, token?: string): DockerConfig {
  if (registryUrl === undefined || token === undefined) return config
  const ours = { [new URL(registryUrl).host]: { username: 'trainyard', password: token } }
  return { ...config, credentials: { ...ours, ...config.credentials } }
}

/** Docker writes some registries as URLs. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

function credentialsOf({ auth, username = '', password = '' }: z.infer<typeof Login>): RegistryCredentials {
  if (auth === undefined) return { username, password }
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
