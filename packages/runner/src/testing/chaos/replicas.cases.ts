import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { ChaosLauncher } from './chaos-launcher.ts'
import { checkJobs } from './check.ts'
import { type ChaosJob, submitJob, waitUntilOver } from './jobs.ts'
import { SCHEMA } from './seed-database.ts'
import { openStage } from './stage.ts'

const TIMEOUT_MS = 120_000

/** Tests of two replicas, for every launcher. */
export function replicaCases(open: () => Promise<ChaosLauncher>): void {
  it('two replicas run each job once, and one takes over the jobs of the other', async () => {
    const launcher = await open()
    const stage = await openStage(launcher)
    try {
      const jobs: ChaosJob[] = []
      // More than one replica runs at once, and long enough to outlive one.
      while (jobs.length <= (launcher.settings.maxConcurrentJobs ?? 6))
        jobs.push(await submitJob(stage.url, { kind: 'slow', random: () => 0.99, index: jobs.length, pace: 2 }))
      const database = await stage.openDatabase()
      const db = database.db.withSchema(SCHEMA)
      /** Running jobs by the replica that holds their lease. */
      const owners = async () => {
        const rows = await db.selectFrom('jobs').select(['id', 'lease_owner']).where('state', '=', 'running').execute()
        return Map.groupBy(rows, (row) => row.lease_owner ?? '')
      }
      await expect.poll(async () => (await owners()).size, { timeout: TIMEOUT_MS }).toBe(2)
      const before = await owners()
      await stage.killReplica(0)
      const after = async () => {
        const now = await owners()
        return now.size === 1 && [...now.values()].flat().length > 0
      }
      await expect.poll(after, { timeout: TIMEOUT_MS }).toBe(true)
      const [survivor = ''] = (await owners()).keys()
      const orphans = [...before].filter(([owner]) => owner !== survivor).flatMap(([, rows]) => rows)
      expect(orphans.length, 'jobs of the dead replica').toBeGreaterThan(0)
      await waitUntilOver(stage.url, jobs, new Set(), TIMEOUT_MS)
      expect(await checkJobs(stage, launcher, jobs)).toEqual([])
      // They were taken over while they ran: no trainer was started again.
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
