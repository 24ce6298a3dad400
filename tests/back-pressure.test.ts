import type { EventsResponse } from '@trainyard/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { createTransport } from '../packages/datasets/src/transfer/transport.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../packages/runner/src/testing/harness.ts'
import { createPlatformApi } from '../packages/sdk/src/http/platform-api.ts'
import { createTokenSource } from '../packages/sdk/src/http/token-source.ts'
import { Journal } from '../packages/sdk/src/journal/journal.ts'

describe('an SDK and a runner that is behind', () => {
  let harness: Harness
  afterEach(() => harness.close())

  async function open(limits: { maxEventsPerSecond?: number; maxWaitingRows?: number }) {
    harness = await startHarness({ runner: { launcher: noLauncher }, config: { limits } })
    const { jobId, authorization } = await openJournal(harness)
    const transport = createTransport()
    const token = createTokenSource({ token: authorization.replace('Bearer ', ''), file: undefined })
    const api = createPlatformApi({ baseUrl: `${harness.url}/v1/jobs/${jobId}`, token, transport })
    const refusals: number[] = []
    const once = api.once.bind(api)
    api.once = async (...call) => {
      const answer = await once(...call)
      if (answer.status === 429) refusals.push(answer.retryAfterMs ?? 0)
      return answer
    }
    const journal = new Journal({
      api,
      token,
      attempt: 1,
      batch: { delayMs: 5, maxEvents: 20 },
      backoff: { baseMs: 5, capMs: 20 },
    })
    const stored = async () => {
      const answer = await harness.request(`/v1/jobs/${jobId}/events?limit=1000`)
      return ((await answer.json()) as { events: { seq: number }[] }).events.map(({ seq }) => seq)
    }
    return { jobId, authorization, journal, refusals, stored, close: () => transport.close() }
  }

  it('wait as long as they are told, and lose nothing', async () => {
    const { journal, refusals, stored, close } = await open({ maxEventsPerSecond: 5 })
    for (let epoch = 1; epoch <= 70; epoch++) journal.append({ type: 'progress', epoch, metrics: { loss: 1 / epoch } })
    expect(await journal.close({ timeoutMs: 50_000 })).toMatchObject({ delivered: true, unacknowledged: 0 })
    expect(refusals.length).toBeGreaterThan(0)
    for (const waitMs of refusals) expect(waitMs).toBeGreaterThanOrEqual(1000)
    expect(await stored()).toEqual(Array.from({ length: 70 }, (_, index) => index + 1))
    close()
  })

  it('get through when the queue is full for a while, each event once', async () => {
    const { jobId, journal, refusals, stored, close } = await open({ maxWaitingRows: 40 })
    const { database } = harness.runner.context
    const busy = await openJournal(harness)
    const idle = await openJournal(harness)
    const heartbeatSeconds = async () => ((await (await idle.send(1, [])).json()) as EventsResponse).heartbeatSeconds
    // The rows of two jobs are locked: their events wait, and the queue fills up.
    const held = Promise.withResolvers<void>()
    const holding = database.transaction(async (trx) => {
      await trx.selectFrom('jobs').select('id').where('id', 'in', [jobId, busy.jobId]).forUpdate().execute()
      await held.promise
    })
    // 39 rows: one for the batch, one for each event and one for each log line.
    const lines = Array.from({ length: 19 }, () => ({ type: 'log', level: 'info', message: '' }))
    const blocked = busy.send(1, lines)
    const calm = harness.config.heartbeatSeconds
    await expect.poll(heartbeatSeconds, { timeout: 20_000 }).toBeGreaterThan(calm)
    for (let epoch = 1; epoch <= 40; epoch++) journal.append({ type: 'progress', epoch })
    await expect.poll(() => refusals.length, { timeout: 20_000 }).toBeGreaterThan(0)
    held.resolve()
    await Promise.all([holding, blocked])
    expect(await journal.close({ timeoutMs: 40_000 })).toMatchObject({ delivered: true })
    expect(await stored()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    expect(await heartbeatSeconds()).toBe(calm)
    close()
  })
})
