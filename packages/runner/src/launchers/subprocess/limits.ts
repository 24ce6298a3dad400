import { totalmem } from 'node:os'
import type { LaunchRequest } from '../launcher.ts'

/** The operator's limits for each attempt. A manifest can ask for less, but not for more. */
export interface SubprocessLimits {
  /** In a control group of all processes. Without one, for the data of each process. */
  memoryMb: number
  /** Includes threads. */
  processes: number
  /** All files in the work folder together. */
  diskGb: number
  /** Size of /dev/shm. It counts as memory too. */
  shmMb: number
}

/** What is enforced for one attempt. Undefined: not limited, which happens only without the operator's limits. */
export interface AttemptLimits {
  memoryMb: number | undefined
  processes: number
  diskBytes: number | undefined
  shmBytes: number
}

export const DEFAULT_LIMITS: SubprocessLimits = {
  memoryMb: Math.floor((totalmem() / 1024 ** 2) * 0.8),
  processes: 8192,
  diskGb: 50,
  shmMb: 2048,
}

/** Node needs about 1 GB of data to start, although it uses a tenth of it. */
const SMALLEST_DATA_MB = 2048

export function limitsOf(resources: LaunchRequest['resources'], limits: SubprocessLimits | undefined): AttemptLimits {
  const { memoryMb, diskGb, shmMb } = resources
  const least = (declared: number | undefined, limit: number | undefined) =>
    declared === undefined ? limit : Math.min(declared, limit ?? declared)
  const disk = least(diskGb, limits?.diskGb)
  return {
    memoryMb: least(memoryMb, limits?.memoryMb),
    processes: limits?.processes ?? DEFAULT_LIMITS.processes,
    diskBytes: disk === undefined ? undefined : Math.ceil(disk * 1024 ** 3),
    // 0 in a manifest means the default.
    shmBytes: (least(shmMb || undefined, limits?.shmMb) ?? DEFAULT_LIMITS.shmMb) * 1024 ** 2,
  }
}

/** The unit of `ulimit -f` in POSIX. */
const BLOCK_BYTES = 512

/** The arguments of the shim: the largest file, the number of processes, and the data of a process. */
export function shimLimits({ diskBytes, processes, memoryMb }: AttemptLimits, hasMemoryGroup: boolean): string[] {
  const blocks = diskBytes === undefined ? 0 : Math.ceil(diskBytes / BLOCK_BYTES)
  const dataKb = memoryMb === undefined || hasMemoryGroup ? 0 : Math.max(memoryMb, SMALLEST_DATA_MB) * 1024
  return [blocks, processes, dataKb].map(String)
}
