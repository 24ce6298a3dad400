import { setTimeout as sleep } from 'node:timers/promises'
import { ResourceSampleList, UsageReport } from '@trainyard/contract'
import { fakeClock } from '@trainyard/platform/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { ResourceUse } from '../launchers/launcher.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { meterUsage } from '../usage/meter-usage.ts'
import { ResourceSampler } from './resource-sampler.ts'

let harness: Harness
afterEach(async () => await harness.close())

async function start(measure: () => Promise<ResourceUse | undefined>) {
  const clock = fakeClock('2026-03-01T00:00:00.000Z')
  harness = await startHarness({ runner: { launcher: { ...noLauncher, measure }, clock } })
  const { id } = await harness.createJob()
  const began = clock.now()
  const { db } = harness.runner.context.database
  await db.updateTable('attempts').set({ running_since: began, last_heard_at: began }).execute()
  const sampler = new ResourceSampler(harness.runner.context)
  const attempt = { job_id: id, attempt: 1, running_since: began }
  const read = async (points = 5000) =>
    ResourceSampleList.parse(await (await harness.request(`/v1/jobs/${id}/resources?points=${points}`)).json())
  return { clock, db, id, sampler, attempt, read }
}

describe('samples of what an attempt uses', () => {
  it('are rates of the CPU time, further apart the longer it runs, and few after a month', async () => {
    let cpuSeconds = 0
    const { clock, db, sampler, attempt, read } = await start(async () => ({ cpuSeconds, memoryBytes: 5e8 }))
    let measured = 0
    const count = async () =>
      Number(
        (
          await db
            .selectFrom('resource_samples')
            .select(({ fn }) => fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      )
    for (let step = 0; step < 20; step++) {
      sampler.sample(attempt)
      await expect.poll(count).toBe(++measured)
      // Too early.
      sampler.sample(attempt)
      clock.advance(5000)
      cpuSeconds += 10
    }
    const { samples, cpuSeconds: total } = await read()
    expect(total).toBe(190)
    expect(samples.map(({ cpuCores }) => cpuCores)).toEqual([undefined, ...Array.from({ length: 19 }, () => 2)])
    expect(samples.every(({ memoryBytes, gpuPercent }) => memoryBytes === 5e8 && gpuPercent === undefined)).toBe(true)
    expect((await read(5)).samples).toHaveLength(5)

    // The pause after a month: with it, an attempt of any age has few rows.
    clock.advance(30 * 86_400_000)
    sampler.sample(attempt)
    await expect.poll(count).toBe(++measured)
    clock.advance(3_600_000)
    sampler.sample(attempt)
    await sleep(50)
    expect(await count()).toBe(measured)
    clock.advance(3_600_000)
    sampler.sample(attempt)
    await expect.poll(count).toBe(++measured)
  })

  it('count for the usage, if it is more than the trainer declares', async () => {
    const { clock, sampler, attempt, db } = await start(async () => ({ cpuSeconds: 7200 }))
    sampler.sample(attempt)
    await expect
      .poll(async () => (await db.selectFrom('attempts').select('cpu_seconds').executeTakeFirstOrThrow()).cpu_seconds)
      .toBe(7200)
    clock.advance(3_600_000)
    await db.updateTable('attempts').set({ last_heard_at: clock.now() }).execute()
    await meterUsage(harness.runner.context)
    const { total } = UsageReport.parse(await (await harness.request('/v1/usage?from=2026-03-01')).json())
    expect(total.cpuSeconds).toBe(7200)
  })

  it('that fail, hang or come after the job was deleted hold up nothing', async () => {
    let answer: () => Promise<ResourceUse | undefined> = async () => {
      throw new Error('the engine is gone')
    }
    const { clock, sampler, attempt, db, id, read } = await start(() => answer())
    sampler.sample(attempt)
    await sampler.measureEnd({ jobId: id, attempt: 1 })
    answer = () => new Promise(() => {})
    clock.advance(60_000)
    sampler.sample(attempt)
    await sampler.measureEnd({ jobId: id, attempt: 1 })
    expect((await read()).samples).toEqual([])
    answer = async () => ({ cpuSeconds: 1 })
    await db.deleteFrom('jobs').execute()
    await sampler.measureEnd({ jobId: id, attempt: 1 })
    expect((await harness.request(`/v1/jobs/${id}/resources`)).status).toBe(404)
  })
})
