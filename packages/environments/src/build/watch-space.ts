import { lstat, opendir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '@trainyard/contract/format'
import { EnvironmentError } from '../errors.ts'

const PAUSE_MS = 500
/** The pause grows with the time that a measurement takes. */
const PAUSE_FACTOR = 10

export interface SpaceLimits {
  /** Of one environment, with what is needed to make it. */
  maxBytes: number
  /** What has to stay free on the disk. */
  minFreeBytes: number
}

/** @throws EnvironmentError `no_space` */
export async function requireSpace(dir: string, { minFreeBytes }: SpaceLimits): Promise<void> {
  const free = await freeBytes(dir)
  if (free < minFreeBytes)
    throw new EnvironmentError(
      'no_space',
      `no environment can be made: ${dir} has only ${formatBytes(free)} left, and ${formatBytes(minFreeBytes)} have to stay free. Free space, or move the data folder to a larger disk`,
    )
}

/** Watches a build until the returned function is called. Calls `onExcess` once, when it needs more space than it may. */
export function watchSpace(dir: string, limits: SpaceLimits, onExcess: (error: EnvironmentError) => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const measure = async () => {
    const begunAt = performance.now()
    const free = await freeBytes(dir)
    const used = await folderBytes(dir)
    if (isOver) return
    if (free < limits.minFreeBytes)
      return onExcess(
        new EnvironmentError(
          'no_space',
          `${tooMuch(used)}, and only ${formatBytes(free)} are left in ${dir}. ${HELP}, or free space`,
        ),
      )
    if (used > limits.maxBytes) return onExcess(tooLarge(used, limits))
    timer = setTimeout(() => void measure(), Math.max(PAUSE_MS, (performance.now() - begunAt) * PAUSE_FACTOR))
  }
  timer = setTimeout(() => void measure(), PAUSE_MS)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

const HELP = 'Declare fewer or smaller packages (for example the CPU build of a framework)'
const tooMuch = (used: number) => `the environment needs more space than there is: ${formatBytes(used)} so far`

export function tooLarge(used: number, { maxBytes }: SpaceLimits): EnvironmentError {
  const limit = formatBytes(maxBytes)
  return new EnvironmentError(
    'no_space',
    `${tooMuch(used)}; the limit is ${limit}. ${HELP}, or raise PYTHON_ENVIRONMENTS_MAX_GB`,
  )
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** The space that a folder uses. Links are not followed, and a file with several names counts once. */
export async function folderBytes(dir: string, seen: Set<string> = new Set()): Promise<number> {
  const folder = await opendir(dir).catch(() => undefined)
  if (folder === undefined) return 0
  let bytes = 0
  for await (const entry of folder) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) bytes += await folderBytes(path, seen)
    const info = await lstat(path).catch(() => undefined)
    if (info === undefined) continue
    const key = `${info.dev}:${info.ino}`
    if (seen.has(key)) continue
    seen.add(key)
    bytes += info.blocks * 512
  }
  return bytes
}
