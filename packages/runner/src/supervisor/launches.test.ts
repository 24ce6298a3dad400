import { overrideStore } from '@trainyard/platform'
import { afterEach, describe, expect, it } from 'vitest'
import type { AttemptRef, Launcher } from '../launchers/launcher.ts'
import { type Harness, type HarnessOptions, isOver, noLauncher, startHarness } from '../testing/harness.ts'

const never = new Promise<never>(() => {})
/** What a launch can be doing when it hangs. */
const STAGES = ['checking the files of the dataset', 'fetching the trainer', 'starting the trainer'] as const
type Stage = (typeof STAGES)[number]

describe('an attempt that is being launched', () => {
  let harness: Harness
  afterEach(() => harness.close())

  /** A runner whose launches hang in a stage. */
  async function start(stage: Stage | undefined, options: HarnessOptions = {}): Promise<AttemptRef[]> {
    const launched: AttemptRef[] = []
    const launcher: Launcher = {
      ...noLauncher,
      async launch(ref) {
        if (stage === 'starting the trainer') await never
        launched.push(ref)
      },
      observe: async ({ jobId }) => ({ state: launched.some((ref) => ref.jobId === jobId) ? 'running' : 'absent' }),
      ...options.runner?.launcher,
    }
    harness = await startHarness({ ...options, start: false, runner: { ...options.runner, launcher } })
    const { context } = harness.runner
    const { store, trainers } = context
    if (stage === 'checking the files of the dataset')
      context.store = overrideStore(store, {
        async *list() {
          yield await never
        },
      })
    if (stage === 'fetching the trainer') context.trainers = { ...trainers, fetchBundle: () => never }
    if (options.start !== false) await harness.runner.start()
    return launched
  }

  async function untilLaunching(id: number): Promise<void> {
    const { db } = harness.runner.context.database
    await expect
      .poll(async () => (await db.selectFrom('attempts').select('launched_at').where('job_id', '=', id).execute())[0], {
        timeout: 20_000,
      })
      .not.toMatchObject({ launched_at: null })
  }

  describe.each(STAGES)('while %s', (stage) => {
    it('is cancelled at once', async () => {
      await start(stage)
      const { id } = await harness.createJob()
      await untilLaunching(id)
      const cancelledAt = performance.now()
      await harness.post(`/v1/jobs/${id}/cancel`, {})
      const job = await harness.waitFor(id, isOver, 20_000)
      expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
      expect(performance.now() - cancelledAt).toBeLessThan(3000)
    })

    it('ends when it makes no progress within the start timeout', async () => {
      await start(stage, { config: { startTimeoutSeconds: 0.3 } })
      const { id } = await harness.createJob({ maxRetries: 0 })
      expect(await harness.waitFor(id, isOver, 20_000)).toMatchObject({
        endReason: 'start_timeout',
        error: { message: `The launch made no progress for 0.3 seconds while ${stage}` },
      })
    })

    it('ends at its deadline', async () => {
      await start(stage)
      const { id } = await harness.createJob({ deadlineSeconds: 1 })
      expect(await harness.waitFor(id, isOver, 20_000)).toMatchObject({ endReason: 'deadline' })
    })
  })

  it('keeps its lease, however long the launch takes', async () => {
    await start('fetching the trainer', { config: { limits: { leaseSeconds: 1 } } })
    const { id } = await harness.createJob()
    await untilLaunching(id)
    const readLease = async () => {
      const { db } = harness.runner.context.database
      return (await db.selectFrom('jobs').select(['lease_owner', 'lease_expires_at']).where('id', '=', id).execute())[0]
    }
    const first = await readLease()
    await expect
      .poll(async () => (await readLease())?.lease_expires_at, { timeout: 10_000 })
      .not.toEqual(first?.lease_expires_at)
    expect((await readLease())?.lease_owner).toBe(first?.lease_owner)
  })

  it('does not start after it was cancelled, and is removed when the launcher is late', async () => {
    const late = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    const removed: number[] = []
    await start(undefined, {
      runner: {
        launcher: {
          ...noLauncher,
          launch: async () => {
            called.resolve()
            await late.promise
          },
          observe: async () => ({ state: 'absent' }),
          remove: async ({ jobId }) => void removed.push(jobId),
        },
      },
    })
    const { id } = await harness.createJob()
    await called.promise
    await harness.post(`/v1/jobs/${id}/cancel`, {})
    await harness.waitFor(id, isOver, 20_000)
    await expect.poll(() => removed, { timeout: 10_000 }).toEqual([id])
    late.resolve()
    await expect.poll(() => removed, { timeout: 10_000 }).toEqual([id, id])
  })

  it('leaves nothing behind, also when it appears after the clean-up, for example because the database was away', async () => {
    const here = new Map<number, AttemptRef>()
    await start(undefined, {
      config: { limits: { leftoverSeconds: 0.05 } },
      runner: {
        launcher: {
          ...noLauncher,
          launch: async ({ jobId, attempt }) => void here.set(jobId, { jobId, attempt }),
          observe: async ({ jobId }) => ({ state: here.has(jobId) ? 'running' : 'absent' }),
          async *list() {
            yield* here.values()
          },
          remove: async ({ jobId }) => void here.delete(jobId),
        },
      },
    })
    const running = await harness.createJob()
    const { id } = await harness.createJob()
    await expect.poll(() => here.size, { timeout: 20_000 }).toBe(2)
    await harness.post(`/v1/jobs/${id}/cancel`, {})
    here.delete(id)
    await harness.waitFor(id, isOver, 20_000)
    const { db } = harness.runner.context.database
    const cleaned = () => db.selectFrom('attempts').select('cleaned_at').where('job_id', '=', id).executeTakeFirst()
    await expect.poll(async () => (await cleaned())?.cleaned_at, { timeout: 20_000 }).toBeInstanceOf(Date)
    here.set(id, { jobId: id, attempt: 1 })
    await expect.poll(() => [...here.keys()], { timeout: 20_000 }).toEqual([running.id])
  })

  it('shares one check of its dataset with a whole backlog', async () => {
    const launched = await start(undefined, { start: false, config: { maxConcurrentJobs: 60 } })
    const { context } = harness.runner
    const { store } = context
    let lists = 0
    context.store = overrideStore(store, {
      list(prefix) {
        lists++
        return store.list(prefix)
      },
    })
    for (let count = 0; count < 60; count++) await harness.createJob()
    const startedAt = performance.now()
    await harness.runner.start()
    await expect.poll(() => launched.length, { timeout: 180_000 }).toBe(60)
    // A result is valid for two seconds.
    expect(lists).toBeLessThan(15 + (performance.now() - startedAt) / 2000)
  }, 240_000)

  it('is not held up by another one whose launcher does not answer', async () => {
    let stuck = -1
    await start(undefined, {
      runner: {
        launcher: {
          ...noLauncher,
          launch: async () => {},
          observe: async ({ jobId }) => (jobId === stuck ? await never : { state: 'absent' }),
        },
      },
    })
    const first = await harness.createJob()
    await untilLaunching(first.id)
    stuck = first.id
    await new Promise((resolve) => setTimeout(resolve, 200))
    const second = await harness.createJob()
    await untilLaunching(second.id)
    await harness.post(`/v1/jobs/${second.id}/cancel`, {})
    expect(await harness.waitFor(second.id, isOver, 20_000)).toMatchObject({ endReason: 'cancelled_by_user' })
  }, 40_000)
})
