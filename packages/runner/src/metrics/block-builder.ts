import type { Database, Logger } from '@trainyard/platform'
import type { RunnerDatabase } from '../db/schema/index.ts'
import { buildBlocks } from './build-blocks.ts'
import { BLOCK_POINTS } from './series.ts'

export interface BlockBuilder {
  /** Points were stored. After some thousands of one series its blocks are brought up to date, in the background. */
  added(of: { jobId: number; attempt: number }, names: readonly { name: string }[]): void
  /** Resolves when nothing is being built. */
  stop(): Promise<void>
}

const POINTS_BETWEEN = 32 * BLOCK_POINTS
/** Series that are counted; what is forgotten is made up for by the first reader. */
const MAX_SERIES = 20_000

export function createBlockBuilder(
  database: Pick<Database<RunnerDatabase>, 'db' | 'transaction'>,
  logger: Logger,
): BlockBuilder {
  const counts = new Map<string, number>()
  /** By attempt: the names of its series. */
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
    added({ jobId, attempt }, names) {
      for (const { name } of names) {
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
