import { setTimeout as sleep } from 'node:timers/promises'
import { TrainyardError } from '@trainyard/platform'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunnerContext } from '../context.ts'
import { SourceChecks } from '../datasets/index.ts'
import { NoRoomError } from '../errors.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { launchAttempt } from './launch-attempt.ts'
import { Supervisor } from './supervisor.ts'

describe('launching an attempt', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const contextOf = (over: Partial<RunnerContext>): RunnerContext => ({ ...harness.runner.context, ...over })
  const launch = (context: RunnerContext, ref: AttemptRef) =>
    launchAttempt(context, ref, { checks: new SourceChecks(context), signal: new AbortController().signal })
  const failing = (error: Error) => ({
    ...harness.runner.context.trainers,
    fetchBundle: async () => {
      throw error
    },
  })

  it('skips an attempt that another host has launched meanwhile, or that was cancelled', async () => {
    const launched: string[] = []
    const on = (host: string) =>
      contextOf({
        launcher: { ...noLauncher, host, launch: async ({ jobId }) => void launched.push(`${host} ${jobId}`) },
      })
    const job = await harness.createJob()
    await launch(on('one'), { jobId: job.id, attempt: 1 })
    await launch(on('two'), { jobId: job.id, attempt: 1 })
    expect(launched).toEqual([`one ${job.id}`])
    const cancelled = await harness.createJob()
    await harness.request(`/v1/jobs/${cancelled.id}/cancel`, { method: 'POST' })
    await launch(on('one'), { jobId: cancelled.id, attempt: 1 })
    expect(launched).toHaveLength(1)
  })

  it('does not return a job to the queue that was cancelled while it was launched', async () => {
    const full = (jobId: number): Partial<RunnerContext> => ({
      launcher: {
        ...noLauncher,
        launch: async () => {
          if (jobId === cancelled.id) await harness.request(`/v1/jobs/${jobId}/cancel`, { method: 'POST' })
          throw new NoRoomError('no device is free')
        },
      },
    })
    const cancelled = await harness.createJob()
    await launch(contextOf(full(cancelled.id)), { jobId: cancelled.id, attempt: 1 })
    expect(await harness.getJob(cancelled.id)).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    const waiting = await harness.createJob()
    await launch(contextOf(full(waiting.id)), { jobId: waiting.id, attempt: 1 })
    expect((await harness.getJob(waiting.id)).finishedAt).toBeUndefined()
  })

  it('launches a job that was claimed again before its return to the queue was complete', async () => {
    const { context } = harness.runner
    const job = await harness.createJob()
    let launches = 0
    const supervisor = new Supervisor(
      contextOf({
        launcher: {
          ...noLauncher,
          launch: async ({ jobId }) => {
            if (jobId === job.id && ++launches === 1) throw new NoRoomError('no device is free')
          },
          observe: async ({ jobId }) => ({ state: jobId === job.id && launches === 2 ? 'running' : 'absent' }),
        },
        database: {
          ...context.database,
          // The return is committed before this call resolves: the loop claims the job in between.
          transaction: async (work) => {
            let putsBack = false
            const watch: KyselyPlugin = {
              transformQuery: ({ node }) => {
                putsBack ||= node.kind === 'UpdateQueryNode' && /launched_at.*heard_at/.test(JSON.stringify(node))
                return node
              },
              transformResult: async ({ result }) => result,
            }
            const result = await context.database.transaction((trx) => work(trx.withPlugin(watch)))
            if (putsBack) await sleep(500)
            return result
          },
        },
        limits: { ...context.limits, reconcileIntervalMs: 5 },
      }),
    )
    await supervisor.start()
    await expect.poll(() => launches, { timeout: 10_000 }).toBe(2)
    await supervisor.stop()
  })

  it('retries when the registry is unavailable, but not when the bundle cannot be fetched at all', async () => {
    const away = await harness.createJob({ maxRetries: 1 })
    const trainers = failing(new TrainyardError('unavailable', 'the registry does not answer'))
    await launch(contextOf({ trainers }), { jobId: away.id, attempt: 1 })
    expect(await harness.getJob(away.id)).toMatchObject({ state: 'pending', attempt: 2 })
    const never = await harness.createJob({ maxRetries: 1 })
    const image = failing(new TrainyardError('unprocessable', 'it is an image'))
    await launch(contextOf({ trainers: image }), { jobId: never.id, attempt: 1 })
    expect(await harness.getJob(never.id)).toMatchObject({
      state: 'failed',
      endReason: 'trainer_unavailable',
      error: { message: expect.stringContaining('it is an image') },
    })
  })

  it('ends the attempt when the process cannot be started', async () => {
    const job = await harness.createJob()
    const launcher = {
      ...noLauncher,
      launch: async () => {
        throw new Error('no more processes')
      },
    }
    await launch(contextOf({ launcher }), { jobId: job.id, attempt: 1 })
    expect(await harness.getJob(job.id)).toMatchObject({
      state: 'failed',
      endReason: 'launch_failed',
      error: { message: 'no more processes' },
    })
  })
})
