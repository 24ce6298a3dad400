import type { Database, Logger } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { buildBlocks } from './build-blocks.ts'
import { BLOCK_POINTS } from './series.ts'

export interface BlockBuilder {
  /** Notes stored points. After some thousands of one series, updates the blocks of the series in the background. */
  added(attempt: { jobId: number; attempt: number }, points: readonly { name: string }[]): void
  /** Resolves when no block is being built. */
  stop(): Promise<void>
}

/** New points of a series after which its blocks are built. */
const POINTS_BETWEEN = 32 * BLOCK_POINTS
/** Series whose points are counted. For others, the first reader builds the blocks. */
const MAX_SERIES = 20_000

export function createBlockBuilder(
  database: Pick<Database<RunnerDatabase>, 'db' | 'transaction'>,
  logger: Logger,
): BlockBuilder {
  const counts = new Map<string, number>()
  /** Series whose blocks are due, by attempt. */
  const due = new Map<string, { jobId: number; attempt: number; names: Set<string> }>()
  let building: Promise<void> | undefined
  let stopped = false

  const work = async () => {
    for (const [key, { jobId, attempt, names }] of due) {
      if (stopped) return
      due.delete(key)
      await buildBlocks(database, { jobId, attempt, names: [...names] }).catch((error: unknown) =>
        logger.warn({ err: error, jobId }, 'could not prepare long series for charts'),
      )
    }
  }
  return {
    added({ jobId, attempt }, points) {
      for (const { name } of points) {
        const key = `${jobId}/${attempt}/${name}`
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        if (count < POINTS_BETWEEN) continue
        counts.delete(key)
        const ofAttempt = due.get(`${jobId}/${attempt}`) ?? { jobId, attempt, names: new Set() }
        due.set(`${jobId}/${attempt}`, ofAttempt)
        ofAttempt.names.add(name)
      }
      if (counts.size > MAX_SERIES) counts.clear()
      if (due.size > 0 && !stopped)
        building ??= work().finally(() => {
          building = undefined
        })
    },
    async stop() {
      stopped = true
      await building
    },
  }
}
