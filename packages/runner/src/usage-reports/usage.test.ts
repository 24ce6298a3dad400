import { UsageReport } from '@trainyard/contract'
import { fakeClock } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { parsePrices } from '../config/prices.ts'
import { parseExposition } from '../observability/testing/parse-exposition.ts'
import { type Harness, isOver, noLauncher, startHarness } from '../testing/harness.ts'
import { insertCheckpoint } from '../testing/insert-checkpoint.ts'
import { meterAttempts } from '../usage/meter-attempts.ts'
import { meterUsage } from '../usage/meter-usage.ts'
import { usageCsv } from './usage-csv.ts'

const HOUR = 3_600_000
let harness: Harness
let isOpen = false
afterEach(async () => {
  if (isOpen) await harness.close()
  isOpen = false
})

async function start(config: Parameters<typeof startHarness>[0] = {}, at = '2026-03-30T20:00:00.000Z') {
  const clock = fakeClock(at)
  isOpen = true
  harness = await startHarness({ ...config, runner: { launcher: noLauncher, clock, ...config.runner } })
  return clock
}
const report = async (query: string) =>
  UsageReport.parse(await (await harness.request(`/v1/usage?from=2026-03-01&to=2026-04-30&${query}`)).json())
const db = () => harness.runner.context.database.db
const meter = () => meterUsage(harness.runner.context)

/** Random, but the same in every run. */
function randomly(seed: number) {
  let state = seed
  return (max: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return (state / 2_147_483_648) * max
  }
}

/** Sets what the supervisor records of an attempt. */
async function setAttempt(jobId: number, values: Record<string, Date | number | null>) {
  await db().updateTable('attempts').set(values).where('job_id', '=', jobId).execute()
}

describe('usage', () => {
  it('adds up to what the attempts used, over days, rounds, restarts of the runner and deleted jobs', async () => {
    const clock = await start()
    const random = randomly(7)
    const jobs: { id: number; gpus: number; began: Date; heard: Date; cpu: number; ended: boolean }[] = []
    let expectedGpu = 0
    let expectedRun = 0
    let expectedCpu = 0
    for (let round = 0; round < 60; round++) {
      clock.advance(random(3 * HOUR))
      const now = clock.now()
      if (random(1) < 0.4) {
        const { id } = await harness.createJob()
        const gpus = Math.floor(random(4))
        await db().updateTable('jobs').set({ gpus }).where('id', '=', id).execute()
        jobs.push({ id, gpus, began: now, heard: now, cpu: 0, ended: false })
        await setAttempt(id, { running_since: now, last_heard_at: now, cpu_seconds: 0 })
      }
      for (const job of jobs.filter(({ ended }) => !ended)) {
        const what = random(1)
        if (what < 0.6) {
          job.heard = now
          job.cpu += random(5000)
          await setAttempt(job.id, { last_heard_at: now, cpu_seconds: job.cpu })
        } else if (what < 0.75) {
          // The runner notices the end only now.
          job.ended = true
          await setAttempt(job.id, { ended_at: job.heard, closed_at: now, cleaned_at: now })
          await db().updateTable('jobs').set({ state: 'succeeded' }).where('id', '=', job.id).execute()
          const seconds = (job.heard.getTime() - job.began.getTime()) / 1000
          expectedRun += seconds
          expectedGpu += seconds * job.gpus
          expectedCpu += job.cpu
          if (random(1) < 0.3)
            expect((await harness.request(`/v1/jobs/${job.id}`, { method: 'DELETE' })).status).toBe(204)
        }
      }
      // Two replicas at once, and a round that fails before its commit.
      const what = random(1)
      if (what < 0.5) await Promise.all([meter(), meter()])
      else if (what < 0.75) {
        const failing = harness.runner.context.database.transaction(async (trx) => {
          await meterAttempts(trx, { now })
          throw new Error('the runner was killed')
        })
        await expect(failing).rejects.toThrow(/killed/)
      }
    }
    for (const { began, heard, gpus, cpu } of jobs.filter(({ ended }) => !ended)) {
      const seconds = (heard.getTime() - began.getTime()) / 1000
      expectedRun += seconds
      expectedGpu += seconds * gpus
      expectedCpu += cpu
    }
    await meter()
    const { total, rows } = await report('by=day')
    expect(jobs.length).toBeGreaterThan(10)
    expect(expectedGpu).toBeGreaterThan(1000)
    expect(total.attempts).toBe(jobs.length)
    expect(total.runSeconds).toBeCloseTo(expectedRun, 1)
    expect(total.gpuSeconds).toBeCloseTo(expectedGpu, 1)
    expect(total.cpuSeconds).toBeCloseTo(expectedCpu, 1)
    expect(rows.length).toBeGreaterThan(3)
    expect(rows.map(({ key }) => key)).toEqual(rows.map(({ key }) => key).toSorted())
    expect(rows.every(({ runSeconds }) => runSeconds <= 86_400 * jobs.length)).toBe(true)
    expect(rows.reduce((sum, row) => sum + row.gpuSeconds, 0)).toBeCloseTo(expectedGpu, 0)
  })

  it('divides an attempt that runs over midnight, and bills the cores that its trainer declares', async () => {
    const clock = await start()
    const { id } = await harness.createJob({ name: 'over midnight' })
    await sql`update jobs set gpus = 2, trainer = jsonb_set(trainer, '{manifest,resources}', '{"cpu": 4}')`.execute(
      db(),
    )
    await setAttempt(id, { running_since: clock.now() })
    clock.advance(6 * HOUR)
    await setAttempt(id, { last_heard_at: clock.now() })
    await meter()
    const { rows } = await report('by=day')
    expect(rows.map(({ key, gpuSeconds, cpuSeconds, attempts }) => [key, gpuSeconds, cpuSeconds, attempts])).toEqual([
      ['2026-03-30', 2 * 4 * 3600, 4 * 4 * 3600, 1],
      ['2026-03-31', 2 * 2 * 3600, 4 * 2 * 3600, 0],
    ])
  })

  it('names organisation, project, person, trainer and queue, and costs what PRICES says', async () => {
    const prices = parsePrices(
      '{"currency": "EUR", "gpuHour": 2, "storageGbMonth": 730, "downloadGb": 1e6, "queues": {"a100": {"gpuHour": 5}}}',
    )
    const clock = await start({ config: { prices, queues: { default: {}, a100: {} } } })
    for (const queue of ['default', 'a100']) {
      const { id } = await harness.createJob({ queue })
      await db().updateTable('jobs').set({ gpus: 1 }).where('id', '=', id).execute()
      await setAttempt(id, { running_since: clock.now(), last_heard_at: new Date(clock.now().getTime() + HOUR) })
    }
    clock.advance(HOUR)
    await meter()
    const byQueue = await report('by=queue')
    expect(byQueue.rows.map(({ key, cost }) => [key, cost])).toEqual([
      ['a100', 5],
      ['default', 2],
    ])
    expect([byQueue.currency, byQueue.total.cost]).toEqual(['EUR', 7])
    const [person] = (await report('by=person')).rows
    const me = (await (await harness.request('/v1/me')).json()) as { account: { id: string; displayName: string } }
    expect([person?.key, person?.name]).toEqual([me.account.id, me.account.displayName])
    const keys = async (by: string) => (await report(`by=${by}`)).rows.map(({ key }) => key)
    const [project = ''] = await keys('project')
    expect(project).toMatch(/^[\w-]+\/[\w-]+$/)
    expect(await keys('organisation')).toEqual([project.split('/')[0]])
    expect(await keys('trainer')).toEqual(['acme/plain'])
    expect((await report(`by=trainer&project=${project}`)).total.cost).toBe(7)
    const csv = await (await harness.request('/v1/usage.csv?by=queue&from=2026-03-01&to=2026-04-30')).text()
    expect(csv.split('\r\n').slice(1, 2)).toEqual([
      expect.stringMatching(/^a100,,2026-03-01,2026-04-30,1,3600,3600,3600,/),
    ])
    expect(csv).toMatch(/\r\ntotal,.*,7,EUR\r\n$/)
  })

  it('counts stored bytes over time, and what is uploaded and downloaded', async () => {
    const clock = await start()
    const { id } = await harness.createJob()
    await meter()
    await insertCheckpoint(harness.runner.context, id, 'art_1')
    await db().updateTable('artifacts').set({ completed_at: clock.now(), size_bytes: 1e9 }).execute()
    clock.advance(365 * HOUR)
    await harness.request(`/v1/jobs/${id}/artifacts/art_1/download`)
    await Promise.all([meter(), meter()])
    const [row] = (await report('by=trainer')).rows
    expect(row).toMatchObject({ key: 'acme/plain', storageGbMonths: 0.5, downloadedBytes: 1e9 })
    expect((await report('by=day')).rows).toHaveLength(17)
    clock.advance(365 * HOUR)
    await meter()
    expect((await report('by=trainer')).rows[0]?.storageGbMonths).toBe(1)
  })

  it('of a real job is complete when its attempt was cleaned up, and is in the metrics', async () => {
    isOpen = true
    harness = await startHarness({ start: true, config: { metrics: { open: true } } })
    const job = await harness.createJob()
    expect(job.createdBy?.name).toBeTruthy()
    await harness.waitFor(job.id, isOver)
    await harness.runner.awaitCleanup(60_000)
    const usage = UsageReport.parse(await (await harness.request('/v1/usage?by=trainer')).json())
    const attempt = await db().selectFrom('attempts').selectAll().executeTakeFirstOrThrow()
    const seconds = ((attempt.ended_at?.getTime() ?? 0) - (attempt.running_since?.getTime() ?? 0)) / 1000
    expect(attempt.metered).toBe(true)
    expect(usage.total.attempts).toBe(1)
    expect(usage.total.runSeconds).toBeCloseTo(Math.max(0, seconds), 2)
    await expect
      .poll(async () => {
        const { samples } = parseExposition(await (await harness.request('/metrics')).text())
        return samples.some(({ name }) => name === 'trainyard_usage_cpu_seconds_total')
      })
      .toBe(true)
  })

  it('refuses unknown projects, periods that end before they begin, and the whole installation to others', async () => {
    await start()
    const problem = async (query: string) => {
      const response = await harness.request(`/v1/usage?${query}`)
      return [response.status, JSON.stringify(await response.json())]
    }
    expect(await problem('project=no/where')).toEqual([422, expect.stringContaining('must be one of your projects')])
    expect(await problem('from=2026-05-02&to=2026-05-01')).toEqual([422, expect.stringContaining('2026-05-02')])
    expect(await problem('from=yesterday')).toEqual([400, expect.stringContaining('from')])
    expect((await problem('by=colour'))[0]).toBe(400)
    expect((await harness.request('/v1/usage?all=true')).status).toBe(200)
  })
})

it('the CSV of usage is safe in spreadsheets', () => {
  const total = {
    attempts: 1,
    runSeconds: 1,
    gpuSeconds: 1,
    cpuSeconds: 1,
    storageGbMonths: 1,
    uploadedBytes: 1,
    downloadedBytes: 1,
  }
  const rows = [{ ...total, key: '=cmd', name: 'a "b", c' }]
  const text = usageCsv({ by: 'person', from: '2026-01-01', to: '2026-01-02', rows, rowsLeftOut: 0, total })
  expect(text.split('\r\n')[1]).toMatch(/^'=cmd,"a ""b"", c",2026-01-01,/)
})

it.each([
  ['{', /JSON such as/],
  ['{"gpuHour": 1}', /currency/],
  ['{"currency": "euro"}', /currency.*EUR/],
  ['{"currency": "EUR", "gpuHour": -1}', /gpuHour/],
  ['{"currency": "EUR", "gpuHours": 1}', /gpuHours/],
])('PRICES %s is refused with a message that names the field', (text, words) => {
  expect(() => parsePrices(text)).toThrow(words)
})
