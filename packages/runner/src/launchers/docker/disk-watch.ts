import { setTimeout as sleep } from 'node:timers/promises'
import { endsWithin, type Logger } from '@trainyard/platform'
import type { EngineClient } from './engine-client.ts'

/** The engine walks through all volumes to measure them, so the pause between two measurements grows with their duration. */
const PAUSE_FACTOR = 20
const MIN_PAUSE_MS = 5000
/** For the measurement after a trainer's end. The engine refuses one while another is running. */
const FINAL_TRIES = 5
const FINAL_TIMEOUT_MS = 20_000

export interface DiskWatch {
  /** Whether the volume was larger than the limit at the last measurement. Starts another in the background when one is due. */
  isOver(volume: string, limitBytes: number): boolean
  /** Whether a volume that no process writes to any more is larger than the limit. Measures it again if needed. */
  wasOver(volume: string, limitBytes: number): Promise<boolean>
}

/** Watches the sizes of volumes, because the engine has no quota for them on its usual file systems. */
export function createDiskWatch(docker: Pick<EngineClient, 'df'>, logger: Logger): DiskWatch {
  let sizes: ReadonlyMap<string, number> = new Map()
  let measuring: Promise<void> | undefined
  let dueAt = 0
  const measure = () => {
    const begunAt = performance.now()
    measuring ??= readVolumeSizes(docker)
      .then((measured) => {
        sizes = measured
      })
      .finally(() => {
        measuring = undefined
        const endedAt = performance.now()
        dueAt = endedAt + Math.max(MIN_PAUSE_MS, (endedAt - begunAt) * PAUSE_FACTOR)
      })
    return measuring
  }
  const isOver = (volume: string, limitBytes: number) => (sizes.get(volume) ?? 0) > limitBytes
  /** A measurement that starts after this call. */
  const measureAgain = async () => {
    for (let tries = 1; ; tries++) {
      await measuring?.catch(() => {})
      try {
        return await measure()
      } catch (error) {
        if (tries === FINAL_TRIES) throw error
        await sleep(500)
      }
    }
  }
  return {
    isOver(volume, limitBytes) {
      if (measuring === undefined && performance.now() >= dueAt)
        measure().catch((error: unknown) => logger.warn({ err: error }, 'could not read the sizes of volumes'))
      return isOver(volume, limitBytes)
    },
    async wasOver(volume, limitBytes) {
      if (isOver(volume, limitBytes)) return true
      try {
        const isDone = await endsWithin(FINAL_TIMEOUT_MS, measureAgain())
        if (!isDone) logger.warn({ volume, timeoutMs: FINAL_TIMEOUT_MS }, 'timed out reading the size of a volume')
      } catch (error) {
        logger.warn({ err: error, volume }, 'could not read the size of a volume')
      }
      return isOver(volume, limitBytes)
    },
  }
}

async function readVolumeSizes(docker: Pick<EngineClient, 'df'>): Promise<Map<string, number>> {
  const { Volumes } = await docker.df()
  return new Map((Volumes ?? []).map(({ Name, UsageData }) => [Name, UsageData?.Size ?? 0]))
}
