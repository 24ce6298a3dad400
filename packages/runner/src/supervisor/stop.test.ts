import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunnerContext } from '../context.ts'
import type { Launcher } from '../launchers/launcher.ts'
import { type Harness, isOver, noLauncher, startHarness } from '../testing/harness.ts'
import { createSupervisor } from './supervisor.ts'

const forever = () => new Promise<never>(() => {})

describe('a stop', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness()
  })
  afterAll(() => harness.close())
  const ownerOf = async (id: number) =>
    (
      await harness.runner.context.database.db
        .selectFrom('jobs')
        .select('lease_owner')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).lease_owner
  const stopWhile = async (what: Partial<Launcher>, until: (called: Promise<void>) => Promise<unknown>) => {
    const called = Promise.withResolvers<void>()
    const hang = () => {
      called.resolve()
      return forever()
    }
    const launcher = { ...noLauncher, ...Object.fromEntries(Object.keys(what).map((key) => [key, hang])) }
    const { context } = harness.runner
    const limits: RunnerContext['limits'] = { ...context.limits, stopSeconds: 0.6, leaseSeconds: 5 }
    const supervisor = createSupervisor({ ...context, launcher, limits })
    await supervisor.start()
    const job = await harness.createJob()
    await until(called.promise)
    await supervisor.stop()
    return job
  }

  it('waits a limited time for a launch that hangs, and gives its lease to nobody', async () => {
    const job = await stopWhile({ launch: forever }, (called) => called)
    expect(await ownerOf(job.id)).not.toBeNull()
  })

  it('waits a limited time for an engine that does not answer', async () => {
    await stopWhile({ observe: forever }, (called) => called)
  })
})

describe('a stop of the whole runner', () => {
  it('leaves behind a launcher that does not let go', async () => {
    const launcher = { ...noLauncher, close: forever }
    const harness = await startHarness({ start: true, config: { limits: { stopSeconds: 0.6 } }, runner: { launcher } })
    await harness.close()
  })

  it('can wait until nothing is left of what is over, and then leaves nothing', async () => {
    const harness = await startHarness({ start: true })
    try {
      const attempts = join(harness.config.dataDir, 'attempts')
      const folders = async () => {
        if (!existsSync(attempts)) return []
        const [instance = ''] = await readdir(attempts)
        return (await readdir(join(attempts, instance))).filter((name) => name.startsWith('trainyard-'))
      }
      const ended = await harness.createJob({ config: { epochs: 1 } })
      const going = await harness.createJob({ config: { epochs: 1, ending: 'hang' } })
      await harness.waitFor(ended.id, isOver)
      await harness.waitFor(going.id, (job) => job.progress.epoch === 1)
      expect(await harness.runner.awaitCleanup(60_000)).toEqual([])
      // What still runs is not waited for.
      expect(await folders()).toEqual([expect.stringContaining(`-${going.id}-`)])
      await harness.request(`/v1/jobs/${going.id}/cancel`, { method: 'POST' })
      await harness.waitFor(going.id, isOver)
      expect(await harness.runner.awaitCleanup(60_000)).toEqual([])
      expect(await folders()).toEqual([])
    } finally {
      await harness.close()
    }
  })

  it('tells what is left when time is up', async () => {
    const harness = await startHarness({ runner: { launcher: noLauncher } })
    try {
      const { database } = harness.runner.context
      const { id } = await harness.createJob()
      const now = new Date()
      const { host } = noLauncher
      await database.db.updateTable('attempts').set({ host, launched_at: now, closed_at: now }).execute()
      expect(await harness.runner.awaitCleanup(0)).toEqual([{ jobId: id, attempt: 1 }])
    } finally {
      await harness.close()
    }
  })
})
