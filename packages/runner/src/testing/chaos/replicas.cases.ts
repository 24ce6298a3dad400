import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { checkJobs } from './check.ts'
import { type ChaosJob, submit, waitUntilOver } from './jobs.ts'
import { setStage } from './stage.ts'
import type { ChaosLauncher } from './victims.ts'

const PATIENCE_MS = 120_000

/** What two replicas owe to each other on whatever runs their trainers. */
export function replicaCases(open: () => Promise<ChaosLauncher>): void {
  it('two replicas run each job once between them, and one goes on with what the other had begun', async () => {
    const launcher = await open()
    const stage = await setStage(launcher)
    try {
      const jobs: ChaosJob[] = []
      // More than one replica takes, and long enough that they still run when one is gone.
      while (jobs.length <= (launcher.settings.places ?? 6))
        jobs.push(await submit(stage.url, { kind: 'slow', random: () => 0.99, index: jobs.length, pace: 2 }))
      const database = await stage.openDatabase()
      const db = database.db.withSchema('chaos')
      /** Who cares for which jobs that run. */
      const owners = async () => {
        const rows = await db.selectFrom('jobs').select(['id', 'lease_owner']).where('state', '=', 'running').execute()
        return Map.groupBy(rows, (row) => row.lease_owner ?? '')
      }
      await expect.poll(async () => (await owners()).size, { timeout: PATIENCE_MS }).toBe(2)
      const before = await owners()
      await stage.killReplica(0)
      const after = async () => {
        const now = await owners()
        return now.size === 1 && [...now.values()].flat().length > 0
      }
      await expect.poll(after, { timeout: PATIENCE_MS }).toBe(true)
      const [survivor = ''] = (await owners()).keys()
      const orphans = [...before].filter(([owner]) => owner !== survivor).flatMap(([, rows]) => rows)
      expect(orphans.length, 'jobs that the dead replica cared for').toBeGreaterThan(0)
      await waitUntilOver(stage.url, jobs, new Set(), PATIENCE_MS)
      expect(await checkJobs(stage, launcher, jobs)).toEqual([])
      // Taken over as they ran: no trainer was started anew.
      const attempts = await db
        .selectFrom('attempts')
        .select(['job_id', 'attempt'])
        .where(
          'job_id',
          'in',
          jobs.map(({ id }) => id),
        )
        .execute()
      expect(attempts.map(({ attempt }) => attempt)).toEqual(jobs.map(() => 1))
      await database.close()
    } finally {
      while ((await launcher.killTrainer(stage, Math.random)) !== undefined) await sleep(10)
      await stage.close()
    }
  }, 300_000)
}
