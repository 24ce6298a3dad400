import { setTimeout as sleep } from 'node:timers/promises'
import { endsWithin, type Logger } from '@trainyard/platform'
import type Docker from 'dockerode'

/** The engine walks through all its volumes for a look, so the pause between two is that many times its length. */
const PAUSE_FACTOR = 20
const LEAST_PAUSE_MS = 5000
/** At the end of a trainer: another's look, an engine that is busy. */
const LAST_TRIES = 5
const LAST_LOOK_MS = 20_000

export interface DiskWatch {
  /** Whether a volume was larger than this when last seen; looks again in the background when it is time. */
  isOver(volume: string, limitBytes: number): boolean
  /** The same of one that nobody writes any more, seen anew where need be. */
  wasOver(volume: string, limitBytes: number): Promise<boolean>
}

/** How large volumes are, as the engine says: it has no quota for them on its usual file systems. */
export function createDiskWatch(docker: Pick<Docker, 'df'>, logger: Logger): DiskWatch {
  let sizes: ReadonlyMap<string, number> = new Map()
  let looking: Promise<void> | undefined
  let nextLook = 0
  const look = () => {
    const begun = performance.now()
    looking ??= volumeSizes(docker)
      .then((seen) => {
        sizes = seen
      })
      .finally(() => {
        looking = undefined
        const ended = performance.now()
        nextLook = ended + Math.max(LEAST_PAUSE_MS, (ended - begun) * PAUSE_FACTOR)
      })
    return looking
  }
  const isOver = (volume: string, limitBytes: number) => (sizes.get(volume) ?? 0) > limitBytes
  /** One that began after this call. */
  const lookAnew = async () => {
    for (let tries = 1; ; tries++) {
      await looking?.catch(() => {})
      try {
        return await look()
      } catch (error) {
        if (tries === LAST_TRIES) throw error
        await sleep(500)
      }
    }
  }
  return {
    isOver(volume, limitBytes) {
      if (looking === undefined && performance.now() >= nextLook)
        look().catch((error: unknown) => logger.warn({ err: error }, 'the sizes of volumes could not be seen'))
      return isOver(volume, limitBytes)
    },
    async wasOver(volume, limitBytes) {
      if (isOver(volume, limitBytes)) return true
      try {
        const seen = await endsWithin(LAST_LOOK_MS, lookAnew())
        if (!seen) logger.warn({ volume }, 'the engine took too long to say how large a volume is')
      } catch (error) {
        logger.warn({ err: error, volume }, 'the size of a volume could not be seen')
      }
      return isOver(volume, limitBytes)
    },
  }
}

async function volumeSizes(docker: Pick<Docker, 'df'>): Promise<Map<string, number>> {
  const { Volumes }: { Volumes: { Name: string; UsageData?: { Size: number } | null }[] | null } = await docker.df()
  return new Map((Volumes ?? []).map(({ Name, UsageData }) => [Name, UsageData?.Size ?? 0]))
}
