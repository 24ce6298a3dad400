import { z } from 'zod'

export const SANDBOXES = ['auto', 'bubblewrap', 'none'] as const
export type SandboxChoice = (typeof SANDBOXES)[number]

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

/** `SUBPROCESS_SANDBOX` and `GPU_DEVICES`. */
export interface SubprocessSettings {
  sandbox: SandboxChoice
  /** Default: those that `nvidia-smi` lists. */
  gpuDevices?: readonly string[]
}

const SubprocessEnvironment = z.object({
  SUBPROCESS_SANDBOX: z.enum(SANDBOXES).default('auto'),
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
  const { SUBPROCESS_SANDBOX: sandbox, GPU_DEVICES: devices } = values
  return {
    sandbox,
    ...(devices === undefined ? {} : { gpuDevices: devices === 'none' ? [] : devices.split(',') }),
  }
}
