import { z } from 'zod'
import type { SubprocessLimits } from './limits.ts'

export const SANDBOXES = ['auto', 'bubblewrap', 'util-linux', 'none'] as const
export type SandboxChoice = (typeof SANDBOXES)[number]

export const NETWORKS = ['auto', 'own', 'shared'] as const
/** `own`: a trainer reaches only the platform and the hosts of its manifest. `auto`: `own` where the sandbox supports it. */
export type NetworkChoice = (typeof NETWORKS)[number]

/** Paths and devices of the subprocess launcher. */
export interface SubprocessConfig {
  /** Holds one folder for each attempt. Runners with the same folder share its attempts. */
  attemptsDir: string
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Put first in the PATH of every trainer. */
  toolsDir?: string | undefined
  /** Folders that trainers may read in addition. Programs in their `bin` are found last. */
  readPaths?: readonly string[] | undefined
  /** Devices that are assigned to one job each. Undefined: every job sees all devices. */
  devices?: readonly string[] | undefined
}

/** `GPU_DEVICES` and the variables that start with `SUBPROCESS_`. */
export interface SubprocessSettings {
  sandbox: SandboxChoice
  /** Default: `shared`, because a network of their own requires that the runner serves it (`listenForTrainers`). */
  network?: NetworkChoice | undefined
  /** What every trainer may reach in addition to the callback, as `host:port`: the object store and the operator's entries. */
  egress?: readonly string[] | undefined
  /** Folders that trainers may read in addition to the system's. */
  readPaths?: readonly string[] | undefined
  /** Default: see `DEFAULT_LIMITS`. */
  limits?: { [Name in keyof SubprocessLimits]?: number | undefined } | undefined
  /** Whether trainers of others are started where no sandbox can be used. Default: false. */
  allowUnsandboxed?: boolean | undefined
  /** Default: the devices that `nvidia-smi` lists. */
  gpuDevices?: readonly string[] | undefined
}

const limit = z.coerce.number().int().positive()

const SubprocessEnvironment = z.object({
  SUBPROCESS_SANDBOX: z.enum(SANDBOXES).default('auto'),
  SUBPROCESS_NETWORK: z.enum(NETWORKS).default('auto'),
  SUBPROCESS_EGRESS: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((address) => address !== ''))
    .refine((all) => all.every((address) => /^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i.test(address)), {
      error: 'must be a list of host:port, separated by commas, for example mirror.example.com:443',
    }),
  SUBPROCESS_READ_PATHS: z
    .string()
    .default('')
    .transform((text) => text.split(/[:,\s]+/).filter((path) => path !== ''))
    .refine((paths) => paths.every((path) => path.startsWith('/') && path !== '/'), {
      error: 'must be a list of absolute paths, separated by commas, for example /opt/conda,/opt/rocm',
    }),
  SUBPROCESS_MEMORY_MB: limit.optional(),
  SUBPROCESS_PROCESSES: limit.optional(),
  SUBPROCESS_DISK_GB: z.coerce.number().positive().optional(),
  SUBPROCESS_SHM_MB: limit.optional(),
  SUBPROCESS_ALLOW_UNSANDBOXED: z.enum(['true', 'false']).default('false'),
  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().optional(),
  S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('true'),
  GPU_DEVICES: z
    .string()
    .regex(
      /^[\w:./-]+(,[\w:./-]+)*$/,
      'must be "none" or a list of device numbers or ids, separated by commas, for example 0,1,2',
    )
    .refine((text) => new Set(text.split(',')).size === text.split(',').length, 'must name each device once')
    .optional(),
})
export const SUBPROCESS_VARIABLES = SubprocessEnvironment.shape

export function subprocessSettings(values: z.infer<typeof SubprocessEnvironment>): SubprocessSettings {
  const { SUBPROCESS_SANDBOX: sandbox, SUBPROCESS_NETWORK: network, GPU_DEVICES: devices } = values
  return {
    sandbox,
    network,
    egress: [...values.SUBPROCESS_EGRESS, ...storeAddresses(values)],
    readPaths: values.SUBPROCESS_READ_PATHS,
    limits: {
      memoryMb: values.SUBPROCESS_MEMORY_MB,
      processes: values.SUBPROCESS_PROCESSES,
      diskGb: values.SUBPROCESS_DISK_GB,
      shmMb: values.SUBPROCESS_SHM_MB,
    },
    allowUnsandboxed: values.SUBPROCESS_ALLOW_UNSANDBOXED === 'true',
    gpuDevices: devices === 'none' ? [] : devices?.split(','),
  }
}

/** Where signed URLs point to. The bucket is part of the host name unless it is in the path. */
function storeAddresses(values: z.infer<typeof SubprocessEnvironment>): string[] {
  const endpoint = values.S3_PUBLIC_ENDPOINT ?? values.S3_ENDPOINT
  if (endpoint === undefined) return []
  const { hostname, port, protocol } = new URL(endpoint)
  const isInPath = values.S3_FORCE_PATH_STYLE === 'true' || values.S3_BUCKET === undefined
  const host = isInPath ? hostname : `${values.S3_BUCKET}.${hostname}`
  return [`${host}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`]
}
