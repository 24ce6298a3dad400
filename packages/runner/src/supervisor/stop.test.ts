import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunnerContext } from '../context.ts'
import type { Launcher } from '../launchers/launcher.ts'
import { type Harness, isOver, noLauncher, startHarness } from '../testing/harness.ts'
import { Supervisor } from './supervisor.ts'

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
    const supervisor = new Supervisor({ ...context, launcher, limits })
    await supervisor.start()
    const job = await harness.createJob()
    await until(called.promise)
    await supervisor.stop()
    return job
  }

  it('waits a limited time for a launch that hangs, and keeps its lease', async () => {
    const job = await stopWhile({ launch: forever }, (called) => called)
    expect(await ownerOf(job.id)).not.toBeNull()
  })

  it('waits a limited time for an engine that does not respond', async () => {
    await stopWhile({ observe: forever }, (called) => called)
  })
})

describe('a stop of the whole runner', () => {
  it('abandons a launcher that does not close', async () => {
    const launcher = { ...noLauncher, close: forever }
    const harness = await startHarness({ start: true, config: { limits: { stopSeconds: 0.6 } }, runner: { launcher } })
    await harness.close()
  })

  it('can wait until all ended attempts are cleaned up', async () => {
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
      // It does not wait for running attempts.
      expect(await folders()).toEqual([expect.stringContaining(`-${going.id}-`)])
      await harness.request(`/v1/jobs/${going.id}/cancel`, { method: 'POST' })
      await harness.waitFor(going.id, isOver)
      expect(await harness.runner.awaitCleanup(60_000)).toEqual([])
      expect(await folders()).toEqual([])
    } finally {
      await harness.close()
    }
  })

  it('returns the attempts that are not cleaned up in time', async () => {
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
