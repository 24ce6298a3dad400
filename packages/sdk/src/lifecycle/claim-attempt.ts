import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hold } from '@trainyard/datasets/cache'

export type Claim =
  | { type: 'owned'; release(how: { isOver: boolean }): Promise<void> }
  | { type: 'refused'; why: string }

/** An owner in another container or machine counts as ended after this time without a heartbeat. */
const STALE_MS = 30_000

/**
 * Makes this process the only one that reports for an attempt. Child processes and threads inherit the environment, and a second
 * sender would end the job of the first. The lock names its owner by pid and start time: after a crash the next process of the
 * attempt takes it over.
 */
export async function claimAttempt({ workDir, attempt }: { workDir: string; attempt: number }): Promise<Claim> {
  const dir = join(workDir, '.trainyard')
  const overFile = join(dir, `over-${attempt}`)
  try {
    mkdirSync(dir, { recursive: true })
    if (existsSync(overFile)) return { type: 'refused', why: `attempt ${attempt} of this job has already ended` }
    const lock = await hold(join(dir, `owner-${attempt}`), { staleMs: STALE_MS })
    if (!lock.isHeld) {
      const owner = lock.by?.pid === process.pid ? 'this process' : `process ${lock.by?.pid ?? 'unknown'}`
      return { type: 'refused', why: `${owner} already runs attempt ${attempt} of this job` }
    }
    return {
      type: 'owned',
      async release({ isOver }) {
        try {
          if (isOver) writeFileSync(overFile, '')
          await lock.release()
        } catch {
          // The work folder may be gone or full; the attempt has ended.
        }
      },
    }
  } catch {
    // A full disk must not stop a training.
    return { type: 'owned', release: async () => {} }
  }
}
