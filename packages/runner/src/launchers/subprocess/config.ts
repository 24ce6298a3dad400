import { z } from 'zod'

export const SANDBOXES = ['auto', 'bubblewrap', 'none'] as const
export type SandboxChoice = (typeof SANDBOXES)[number]

export const NETWORKS = ['auto', 'own', 'shared'] as const
/** `own`: a trainer reaches the platform and what its manifest names. `auto`: own where bubblewrap can make one. */
export type NetworkChoice = (typeof NETWORKS)[number]

/** How trainers run as processes of this machine. */
export interface SubprocessConfig {
  /** Holds one folder an attempt. Whoever uses the same folder sees the same processes. */
  attemptsDir: string
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Programs that every trainer finds first in its PATH. */
  toolsDir?: string
  /** Devices that jobs are given one by one. Absent: nobody counts them, and every job sees all. */
  devices?: readonly string[]
}

/** `SUBPROCESS_SANDBOX`, `SUBPROCESS_NETWORK`, `SUBPROCESS_EGRESS` and `GPU_DEVICES`. */
export interface SubprocessSettings {
  sandbox: SandboxChoice
  /** Default: `shared`, for a network of their own has to be served (`listenForTrainers`). */
  network?: NetworkChoice
  /** What every trainer may reach beside the callback, as `host:port`: the object store, and what the operator adds. */
  egress?: readonly string[]
  /** Default: those that `nvidia-smi` lists. */
  gpuDevices?: readonly string[]
}

const SubprocessEnvironment = z.object({
  SUBPROCESS_SANDBOX: z.enum(SANDBOXES).default('auto'),
  SUBPROCESS_NETWORK: z.enum(NETWORKS).default('auto'),
  SUBPROCESS_EGRESS: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((place) => place !== ''))
    .refine((all) => all.every((place) => /^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i.test(place)), {
      error: 'must be host:port, separated by commas, for example mirror.example.com:443',
    }),
  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().optional(),
  S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('true'),
  GPU_DEVICES: z
    .string()
    .regex(
      /^[\w:./-]+(,[\w:./-]+)*$/,
      'must be device numbers or ids, separated by commas, for example 0,1,2, or "none"',
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
    egress: [...values.SUBPROCESS_EGRESS, ...storePlaces(values)],
    ...(devices === undefined ? {} : { gpuDevices: devices === 'none' ? [] : devices.split(',') }),
  }
}

/** Where signed URLs lead; the bucket is in the host's name unless it is in the path. */
function storePlaces(values: z.infer<typeof SubprocessEnvironment>): string[] {
  const endpoint = values.S3_PUBLIC_ENDPOINT ?? values.S3_ENDPOINT
  if (endpoint === undefined) return []
  const { hostname, port, protocol } = new URL(endpoint)
  const inPath = values.S3_FORCE_PATH_STYLE === 'true' || values.S3_BUCKET === undefined
  const host = inPath ? hostname : `${values.S3_BUCKET}.${hostname}`
  return [`${host}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`]
}
