import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

/** Settings of the Docker launcher. */
export interface DockerConfig {
  /** `unix:///path` or `tcp://host:port`. Default: the engine's usual socket. */
  host?: string | undefined
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`, for an engine over TLS. */
  certPath?: string | undefined
  /** `job`: a bridge network for each job. Otherwise the name of an existing network. */
  network: string
  /** Address range for the networks of jobs. Docker's default pool has room for about thirty only. */
  subnets: string
  /** Host name under which containers reach a platform that listens on loopback. */
  callbackHost: string
  /** Numeric `uid:gid`, never root. */
  user: string
  /** Memory limit, where the manifest sets none. */
  memoryMb: number
  /** Number of cores, where the manifest sets none. Undefined: all cores. */
  cpus?: number | undefined
  /** Size of shared memory, where the manifest sets none. */
  shmMb: number
  /** Disk limit of a job, where the manifest sets none. Undefined: no limit. */
  diskGb?: number | undefined
  /** Size of /tmp, which counts towards the job's memory. */
  tmpMb: number
  pidsLimit: number
  /** How much of a trainer's output the engine keeps. */
  logMaxMb: number
  /**
   * The runner's dataset cache, as the engine knows it: a volume that the runner mounts too, or a folder of the engine's
   * machine. `none`: each job has a cache of its own. Default: the runner's folder if the engine runs on the same machine,
   * otherwise `none`.
   */
  datasetCache?: string | undefined
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

/** The format of Docker's `config.json`, so that its content can be pasted. */
const AuthConfig = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON in the format of Docker’s config.json' })
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
    .refine(
      (name) => name !== 'host' && name !== 'none',
      'must not be "host" or "none": a trainer needs a network that is separate from the machine’s',
    )
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
    .regex(/^(\/|[A-Za-z0-9][\w.-]*$)/, 'must be the name of a volume, an absolute path, or "none"')
    .optional(),
  DOCKER_AUTH_CONFIG: AuthConfig.optional(),
})

/** Reads the `DOCKER_…` variables. Throws a ConfigError that names each wrong one. */
export function readDockerConfig(env: Record<string, string | undefined>): DockerConfig {
  const schema = DockerEnvironment.refine(
    (e) => e.DOCKER_TLS_VERIFY === undefined || e.DOCKER_CERT_PATH !== undefined,
    {
      path: ['DOCKER_CERT_PATH'],
      error: 'must be set when DOCKER_TLS_VERIFY is set; expected a folder with ca.pem, cert.pem and key.pem',
    },
  )
  const values = parseConfig(schema, env, 'the Docker launcher')
  const logins = Object.entries(values.DOCKER_AUTH_CONFIG?.auths ?? {})
  return {
    host: values.DOCKER_HOST,
    certPath: values.DOCKER_TLS_VERIFY === undefined ? undefined : values.DOCKER_CERT_PATH,
    network: values.DOCKER_NETWORK,
    subnets: values.DOCKER_SUBNETS,
    callbackHost: values.DOCKER_CALLBACK_HOST,
    user: values.DOCKER_USER,
    memoryMb: values.DOCKER_MEMORY_MB,
    cpus: values.DOCKER_CPUS,
    shmMb: values.DOCKER_SHM_MB,
    diskGb: values.DOCKER_DISK_GB,
    tmpMb: values.DOCKER_TMP_MB,
    pidsLimit: values.DOCKER_PIDS_LIMIT,
    logMaxMb: values.DOCKER_LOG_MAX_MB,
    datasetCache: values.DOCKER_DATASET_CACHE,
    credentials: Object.fromEntries(logins.map(([key, login]) => [hostOf(key), credentialsOf(login)])),
  }
}

/** Adds the runner's token for its own registry, unless a login for that registry is configured. */
export function withRegistryToken(config: DockerConfig, registryUrl?: string, token?: string): DockerConfig {
  if (registryUrl === undefined || token === undefined) return config
  const ours = { [new URL(registryUrl).host]: { username: 'trainyard', password: token } }
  return { ...config, credentials: { ...ours, ...config.credentials } }
}

/** The host of a key in `auths`: Docker writes some registries as URLs. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

function credentialsOf({ auth, username = '', password = '' }: z.infer<typeof Login>): RegistryCredentials {
  if (auth === undefined) return { username, password }
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
