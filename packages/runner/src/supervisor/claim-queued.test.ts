import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunnerConfig } from '../config.ts'
import type { RunnerContext } from '../context.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { claimQueued } from './claim-queued.ts'
import type { ClaimOptions } from './claim-statement.ts'
import { markRunning, type QueuedJob, queueJobs } from './testing/queue-jobs.ts'

describe('claiming queued jobs', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  beforeEach(async () => {
    await sql`truncate jobs, attempts cascade`.execute(harness.runner.context.database.db)
  })
  const contextWith = (config: Partial<RunnerConfig>): RunnerContext => ({
    ...harness.runner.context,
    config: { ...harness.config, ...config },
  })
  const add = (jobs: readonly QueuedJob[]) => queueJobs(harness.runner.context, jobs)
  const run = (ids: readonly number[]) => markRunning(harness.runner.context, ids)
  const claim = async (slots: number, config: Partial<RunnerConfig> = {}, over: Partial<ClaimOptions> = {}) => {
    const leaseExpiresAt = new Date(Date.now() + 60_000)
    const claimed = await claimQueued(contextWith(config), {
      leaseOwner: 'me',
      leaseExpiresAt,
      dead: [],
      slots,
      ...over,
    })
    return claimed.map(({ jobId }) => jobId)
  }
  const many = (count: number, job: QueuedJob) => Array.from({ length: count }, () => job)

  it('takes jobs by priority, then by age, and each once', async () => {
    const [a, b, c, d] = await add([{ priority: 0 }, { priority: 0 }, { priority: 5 }, { priority: -5 }])
    expect(await claim(3)).toEqual([c, a, b])
    expect(await claim(3)).toEqual([d])
    expect(await claim(3)).toEqual([])
  })

  it('is fair between owners: one with hundreds of jobs does not starve one with a single job', async () => {
    const big = await add(many(300, { owner: 'big' }))
    const [small] = await add([{ owner: 'small' }])
    expect(await claim(2)).toEqual([big[0], small])
    // Running jobs count: the next slot goes to the owner with fewer.
    await run(big.slice(0, 1))
    const [late] = await add([{ owner: 'late' }])
    expect(await claim(1)).toEqual([late])
  })

  it('assigns free slots to owners in turn', async () => {
    const a = await add(many(10, { owner: 'a' }))
    const b = await add(many(10, { owner: 'b' }))
    expect(await claim(6)).toEqual([a[0], b[0], a[1], b[1], a[2], b[2]])
  })

  it('prefers priority to fairness', async () => {
    const urgent = await add(many(3, { owner: 'busy', priority: 10 }))
    await run(await add(many(3, { owner: 'busy' })))
    await add([{ owner: 'idle', priority: 9 }])
    expect(await claim(3)).toEqual(urgent)
  })

  it('respects the limit of each queue', async () => {
    const gpu = await add(many(5, { queue: 'gpu' }))
    const other = await add(many(5, {}))
    const queues = { default: {}, gpu: { maxConcurrent: 2 } }
    expect(new Set(await claim(4, { queues }))).toEqual(new Set([...gpu.slice(0, 2), ...other.slice(0, 2)]))
    expect(await claim(10, { queues })).toEqual(other.slice(2))
  })

  it('respects the limit of each owner over all queues', async () => {
    await run(await add([{ owner: 'a', queue: 'gpu' }]))
    const a = await add(many(5, { owner: 'a' }))
    const b = await add(many(5, { owner: 'b' }))
    const limit = { maxConcurrentPerOwner: 2, queues: { default: {}, gpu: {} } }
    expect(new Set(await claim(10, limit))).toEqual(new Set([a[0], b[0], b[1]]))
    expect(await claim(10, limit)).toEqual([])
  })

  it('ignores queues that this runner does not serve', async () => {
    const [job] = await add([{ queue: 'gpu' }])
    expect(await claim(5)).toEqual([])
    const queues = { default: {}, gpu: {} }
    expect(await claim(5, { queues, servedQueues: ['default'] })).toEqual([])
    expect(await claim(5, { queues, servedQueues: ['gpu'] })).toEqual([job])
  })

  it('does not exceed a limit when runners claim concurrently', async () => {
    await add(many(40, {}))
    const queues = { default: { maxConcurrent: 7 } }
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, index) => claim(5, { queues }, { leaseOwner: `r${index}` })),
    )
    const all = claims.flat()
    expect(all).toHaveLength(7)
    expect(new Set(all).size).toBe(7)
  })

  it('takes jobs that a dead runner had claimed and not launched', async () => {
    const [job] = await add([{}])
    expect(await claim(1, {}, { leaseOwner: 'dead' })).toEqual([job])
    expect(await claim(1)).toEqual([])
    expect(await claim(1, {}, { dead: ['dead'] })).toEqual([job])
  })

  it('skips jobs that need a device while none is free', async () => {
    const [gpu] = await add([{ gpus: 1 }])
    const [cpu] = await add([{}])
    expect(await claim(5, {}, { devices: { total: 2, free: 0 } })).toEqual([cpu])
    expect(await claim(5, {}, { devices: { total: 2, free: 1 } })).toEqual([gpu])
  })

  it('does not assign more devices than are free, and does not starve a job that needs many', async () => {
    const [one, four] = await add([{ gpus: 1 }, { gpus: 4 }, { gpus: 1 }])
    expect(await claim(5, {}, { devices: { total: 4, free: 4 } })).toEqual([one])
    expect(await claim(5, {}, { devices: { total: 4, free: 3 } })).toEqual([])
    expect(await claim(5, {}, { devices: { total: 4, free: 4 } })).toEqual([four])
  })

  it('takes a job that needs more devices than exist, so that it is rejected', async () => {
    const [job] = await add([{ gpus: 9 }])
    expect(await claim(5, {}, { devices: { total: 4, free: 4 } })).toEqual([job])
  })

  it('does not take a retry before its earlier attempt is cleaned up', async () => {
    const [job] = await add([{}])
    await run([job ?? 0])
    const { db } = harness.runner.context.database
    await sql`update jobs set state = 'queued', attempt = 2`.execute(db)
    expect(await claim(1)).toEqual([])
    await sql`update attempts set cleaned_at = now()`.execute(db)
    expect(await claim(1)).toEqual([job])
  })
})
