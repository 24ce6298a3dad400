import { setTimeout as sleep } from 'node:timers/promises'
import { EventsResponse } from '@trainyard/contract'
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('back-pressure', () => {
  let harness: Harness
  const start = async (limits: { maxEventsPerSecond?: number; maxWaitingRows?: number }) => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { heartbeatSeconds: 1, heartbeatTimeoutSeconds: 60, limits },
    })
  }
  afterEach(() => harness.close())
  const logs = (count: number) => Array.from({ length: count }, () => ({ type: 'log', level: 'info', message: 'x' }))
  const refusal = async (response: Response) => {
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({ code: 'rate_limited', retryable: true })
    return Number(response.headers.get('retry-after'))
  }

  it('delays only the job that sends too much', async () => {
    await start({ maxEventsPerSecond: 1 })
    const hasty = await openJournal(harness)
    const calm = await openJournal(harness)
    // More than ten seconds' worth: accepted once, then charged.
    expect((await hasty.send(1, logs(300))).status).toBe(200)
    const seconds = await refusal(await hasty.send(301, logs(1)))
    expect(seconds).toBeGreaterThan(100)
    expect(seconds).toBeLessThanOrEqual(300)
    expect((await calm.send(1, logs(5))).status).toBe(200)
    const { events } = (await (await harness.request(`/v1/jobs/${hasty.jobId}/events?limit=1000`)).json()) as {
      events: unknown[]
    }
    expect(events).toHaveLength(300)
  })

  it('asks for fewer heartbeats while the queue fills up, rejects events while it is full and accepts them again later', async () => {
    await start({ maxWaitingRows: 100 })
    const [slow, other, refused] = [await openJournal(harness), await openJournal(harness), await openJournal(harness)]
    const { database } = harness.runner.context
    let waiting: Promise<Response> | undefined
    await database.transaction(async (trx) => {
      await sql`select from attempts where job_id = ${slow.jobId} for update`.execute(trx)
      waiting = slow.send(1, logs(35))
      let pace = 1
      for (let tries = 0; tries < 500 && pace === 1; tries++) {
        await sleep(10)
        pace = EventsResponse.parse(await (await other.send(1, [])).json()).heartbeatSeconds
      }
      expect(pace).toBeGreaterThan(5)
      expect(pace).toBeLessThanOrEqual(20)
      expect(await refusal(await refused.send(1, logs(20)))).toBeGreaterThan(0)
    })
    expect((await waiting)?.status).toBe(200)
    const taken = await refused.send(1, logs(20))
    expect(taken.status).toBe(200)
    const after = EventsResponse.parse(await (await other.send(1, [])).json())
    expect(after.heartbeatSeconds).toBe(1)
  })
})
