import { gzipSync, zstdCompressSync } from 'node:zlib'
import { EventsResponse, LogPage, MetricSeriesList, Problem, StoredEventPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, journalOf, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

const progress = (epoch: number) => ({ type: 'progress', epoch, totalEpochs: 10, metrics: { loss: 1 / epoch } })
const completed = { type: 'completed', result: { operation: 'train' } }
const answered = async (response: Response) => EventsResponse.parse(await response.json())
const refused = async (response: Response) => Problem.parse(await response.json())

describe('the journal', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const eventsOf = async (jobId: number, query = '') =>
    StoredEventPage.parse(await (await harness.request(`/v1/jobs/${jobId}/events?limit=1000${query}`)).json()).events

  it('acknowledges a batch, moves the job to running and returns the heartbeat interval', async () => {
    const journal = await openJournal(harness)
    const answer = await answered(await journal.send(1, [{ type: 'started' }, progress(1), progress(2)]))
    expect(answer).toEqual({ acknowledged: 3, shouldContinue: true, heartbeatSeconds: 1, rejected: [] })
    expect(await harness.getJob(journal.jobId)).toMatchObject({
      state: 'running',
      progress: { epoch: 2, totalEpochs: 10, fraction: 0.2 },
      latestMetrics: { loss: 0.5 },
    })
  })

  it('keeps points reported by step apart from those reported by epoch', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [
      { type: 'progress', epoch: 1, step: 40, metrics: { batch_loss: 0.7 } },
      { type: 'progress', epoch: 1, metrics: { loss: 0.5 } },
    ])
    const { series } = MetricSeriesList.parse(await (await harness.request(`/v1/jobs/${journal.jobId}/metrics`)).json())
    expect(series.map(({ name, axis, points }) => [name, axis, points[0]?.step])).toEqual([
      ['batch_loss', 'step', 40],
      ['loss', 'epoch', 1],
    ])
  })

  it('treats an empty list as a heartbeat', async () => {
    const journal = await openJournal(harness)
    expect(await answered(await journal.send(1, []))).toMatchObject({ acknowledged: 0, shouldContinue: true })
    expect((await harness.getJob(journal.jobId)).lastHeardAt).toBeDefined()
  })

  it('ignores stored events, also when part of a batch is new', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'started' }, progress(1)])
    await journal.send(1, [{ type: 'started' }, progress(1)])
    expect(await answered(await journal.send(2, [progress(1), progress(2)]))).toMatchObject({ acknowledged: 3 })
    expect((await eventsOf(journal.jobId)).map((event) => [event.seq, event.type])).toEqual([
      [1, 'started'],
      [2, 'progress'],
      [3, 'progress'],
    ])
  })

  it('does not set back progress when an old batch arrives late', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1)])
    await journal.send(2, [progress(2)])
    await journal.send(1, [progress(1)])
    expect((await harness.getJob(journal.jobId)).progress.epoch).toBe(2)
  })

  it('rejects a gap with the last stored number and stores nothing', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'started' }])
    const gap = await journal.send(3, [progress(1)])
    expect(gap.status).toBe(409)
    expect(await refused(gap)).toMatchObject({ code: 'sequence_gap', acknowledged: 1, retryable: true })
    const hole = await harness.post(
      `/v1/jobs/${journal.jobId}/events`,
      { attempt: 1, events: [2, 4].map((seq) => ({ seq, time: new Date().toISOString(), ...progress(seq) })) },
      { authorization: journal.authorization },
    )
    expect(await refused(hole)).toMatchObject({ code: 'sequence_gap', acknowledged: 1 })
    expect(await eventsOf(journal.jobId)).toHaveLength(1)
  })

  it('stores events in order and once when the same batches are sent concurrently', async () => {
    const journal = await openJournal(harness)
    const all = Array.from({ length: 40 }, (_, index) => progress(index + 1))
    await Promise.all(Array.from({ length: 12 }, (_, index) => journal.send(1, all.slice(0, 5 + index * 3))))
    expect(await answered(await journal.send(1, all))).toMatchObject({ acknowledged: 40 })
    expect((await eventsOf(journal.jobId)).map((event) => event.seq)).toEqual(all.map((_, index) => index + 1))
  })

  it('acknowledges an invalid event, reports the reason and stores it', async () => {
    const journal = await openJournal(harness)
    const bad = { type: 'progress', epoch: 1, metrics: { loss: 'quite low' } }
    const answer = await answered(await journal.send(1, [{ type: 'started' }, bad, { type: 'dance' }, progress(2)]))
    expect(answer.acknowledged).toBe(4)
    expect(answer.rejected.map(({ seq, code, path }) => ({ seq, code, path }))).toEqual([
      { seq: 2, code: 'invalid_event', path: 'metrics.loss' },
      { seq: 3, code: 'invalid_event', path: 'type' },
    ])
    expect((await eventsOf(journal.jobId))[1]).toMatchObject({ type: 'progress', rejected: { path: 'metrics.loss' } })
    expect((await harness.getJob(journal.jobId)).progress.epoch).toBe(2)
  })

  it('stores values that PostgreSQL or JSON cannot represent: NUL, lone surrogates, NaN', async () => {
    const journal = await openJournal(harness)
    const answer = await journal.send(1, [
      { type: 'log', level: 'info', message: 'a\u0000b\ud800c' },
      { type: 'progress', epoch: 1, metrics: { 'odd "name\u0000': 'NaN', up: 'Infinity', down: '-Infinity' } },
    ])
    expect(answer.status).toBe(200)
    const { lines } = LogPage.parse(await (await harness.request(`/v1/jobs/${journal.jobId}/logs`)).json())
    expect(lines[0]?.message).toBe('a\uFFFDb\uFFFDc')
    expect(Object.values((await harness.getJob(journal.jobId)).latestMetrics)).toEqual(
      expect.arrayContaining(['NaN', 'Infinity', '-Infinity']),
    )
  })

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('reads %s bodies', async (encoding, compress) => {
    const journal = await openJournal(harness)
    const event = { seq: 1, time: new Date().toISOString(), type: 'started' }
    const response = await harness.request(`/v1/jobs/${journal.jobId}/events`, {
      method: 'POST',
      headers: {
        authorization: journal.authorization,
        'content-encoding': encoding,
        'content-type': 'application/json',
      },
      body: new Uint8Array(compress(JSON.stringify({ attempt: 1, events: [event] }))),
    })
    expect(await answered(response)).toMatchObject({ acknowledged: 1 })
  })

  it('rejects requests that exceed a limit: compressed size, decompressed size, number of events', async () => {
    const journal = await openJournal(harness)
    const send = (body: Uint8Array<ArrayBuffer> | string, encoding = 'identity') =>
      harness.request(`/v1/jobs/${journal.jobId}/events`, {
        method: 'POST',
        headers: { authorization: journal.authorization, 'content-encoding': encoding },
        body,
      })
    const bomb = new Uint8Array(gzipSync(`{"attempt":1,"events":[],"x":"${'0'.repeat(9_000_000)}"}`))
    const many = JSON.stringify({
      attempt: 1,
      events: Array.from({ length: 1001 }, (_, index) => ({ seq: index + 1 })),
    })
    for (const response of [await send('x'.repeat(1024 * 1024 + 1)), await send(bomb, 'gzip'), await send(many)]) {
      expect(response.status).toBe(413)
      expect(await refused(response)).toMatchObject({
        code: 'payload_too_large',
        limits: { maxEvents: 1000, maxBodyBytes: 1_048_576, maxInflatedBytes: 8_388_608 },
      })
    }
  })

  it.each([
    ['a body that is not JSON', '{"attempt":', 'identity'],
    ['JSON that is not a request', '[1,2]', 'identity'],
    ['a request without attempt', '{"events":[]}', 'identity'],
    ['an invalid sequence number', '{"attempt":1,"events":[{"seq":-1}]}', 'identity'],
    ['a body that does not match Content-Encoding', 'plain', 'gzip'],
    ['an unknown Content-Encoding', '{}', 'br'],
  ])('rejects %s with 400', async (_, body, encoding) => {
    const journal = await openJournal(harness)
    const response = await harness.request(`/v1/jobs/${journal.jobId}/events`, {
      method: 'POST',
      headers: { authorization: journal.authorization, 'content-encoding': encoding },
      body,
    })
    expect(response.status).toBe(400)
    expect(await refused(response)).toMatchObject({ code: 'invalid_request' })
  })

  it('closes the attempt after the terminal event and then acknowledges only stored events', async () => {
    const journal = await openJournal(harness)
    const events = [{ type: 'started' }, completed, progress(1)]
    const answer = await answered(await journal.send(1, events))
    expect(answer).toMatchObject({ acknowledged: 3, rejected: [{ seq: 3 }] })
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'succeeded', endReason: 'completed' })
    expect(await answered(await journal.send(1, events))).toMatchObject({ acknowledged: 3 })
    expect(await refused(await journal.send(4, [progress(2)]))).toMatchObject({ code: 'job_finished' })
    expect(await refused(await journal.send(4, []))).toMatchObject({ code: 'job_finished' })
  })

  it('ends an attempt once: a later terminal event changes nothing', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [completed])
    const failed = { type: 'failed', errorType: 'UnknownError', message: 'late', retryable: true }
    expect((await journal.send(2, [failed])).status).toBe(409)
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'succeeded' })
  })

  it('does not retry a failure that the trainer reports as permanent', async () => {
    const journal = await openJournal(harness, { maxRetries: 3 })
    await journal.send(1, [{ type: 'failed', errorType: 'FrameworkError', message: 'no such layer', retryable: false }])
    expect(await harness.getJob(journal.jobId)).toMatchObject({
      state: 'failed',
      attempt: 1,
      endReason: 'training_error',
    })
  })

  it('binds a token to its job and its attempt', async () => {
    const first = await openJournal(harness, { maxRetries: 1 })
    const other = await openJournal(harness)
    const stolen = await harness.post(
      `/v1/jobs/${other.jobId}/events`,
      { attempt: 1, events: [] },
      { authorization: first.authorization },
    )
    expect(stolen.status).toBe(403)
    const failed = { type: 'failed', errorType: 'UnknownError', message: 'no', retryable: true }
    await first.send(1, [{ type: 'started' }, failed])
    expect(await harness.getJob(first.jobId)).toMatchObject({ state: 'pending', attempt: 2 })
    expect(await refused(await first.send(3, []))).toMatchObject({ status: 409, code: 'attempt_superseded' })
    const second = await journalOf(harness, first.jobId, 2)
    expect(await refused(await second.send(1, []).then(() => first.get('/dataset')))).toMatchObject({
      code: 'attempt_superseded',
    })
  })

  it.each([undefined, 'Bearer', 'Bearer nonsense', 'Basic dTpw'])(
    'refuses the credentials %s',
    async (authorization) => {
      const journal = await openJournal(harness)
      const headers = authorization === undefined ? {} : { authorization }
      const response = await harness.post(`/v1/jobs/${journal.jobId}/events`, { attempt: 1, events: [] }, headers)
      expect(response.status).toBe(401)
    },
  )

  it('returns a new token after half of the lifetime of the current one', async () => {
    const journal = await openJournal(harness)
    const { tokens } = harness.runner.context
    const old = await tokens.issue({ jobId: journal.jobId, attempt: 1, expiresInSeconds: 1 })
    await new Promise((resolve) => setTimeout(resolve, 700))
    const response = await harness.post(
      `/v1/jobs/${journal.jobId}/events`,
      { attempt: 1, events: [] },
      { authorization: `Bearer ${old.value}` },
    )
    const { token } = await answered(response)
    expect(await tokens.verify(token?.value ?? '')).toMatchObject({ jobId: journal.jobId, attempt: 1 })
    expect((await answered(await journal.send(1, []))).token).toBeUndefined()
  })

  it('tells the trainer of a cancelled job to stop, and records the cancellation it reports', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'started' }])
    await harness.runner.context.database.db
      .updateTable('attempts')
      .set({ launched_at: new Date() })
      .where('job_id', '=', journal.jobId)
      .execute()
    await harness.request(`/v1/jobs/${journal.jobId}/cancel`, { method: 'POST' })
    expect(await answered(await journal.send(2, []))).toMatchObject({ shouldContinue: false, reason: 'cancelled' })
    await journal.send(2, [{ type: 'cancelled' }])
    expect(await harness.getJob(journal.jobId)).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
  })

  it('retries without charge when the platform did not stop the trainer: a drained node, a stopped container', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'started' }, { type: 'cancelled', message: 'Stopped: SIGTERM' }])
    const { db } = harness.runner.context.database
    const attempt = await db
      .selectFrom('attempts')
      .select(['end_reason', 'error'])
      .where('job_id', '=', journal.jobId)
      .where('attempt', '=', 1)
      .executeTakeFirstOrThrow()
    expect(attempt).toMatchObject({ end_reason: 'preempted', error: { message: expect.stringContaining('SIGTERM') } })
    const job = await db
      .selectFrom('jobs')
      .select(['state', 'attempt', 'free_retries', 'counted_retries'])
      .where('id', '=', journal.jobId)
      .executeTakeFirstOrThrow()
    expect(job).toMatchObject({ attempt: 2, free_retries: 1, counted_retries: 0 })
    expect(['pending', 'queued']).toContain(job.state)
  })
})
