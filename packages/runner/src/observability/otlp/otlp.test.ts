import { afterEach, describe, expect, it } from 'vitest'
import { attemptSpanId, attemptTraceparent } from '../../span-ids.ts'
import { type Harness, isOver, openJournal, startHarness } from '../../testing/harness.ts'
import { readSpans } from '../testing/read-spans.ts'
import { startReceiver } from '../testing/receiver.ts'

let harness: Harness | undefined
let collector: Awaited<ReturnType<typeof startReceiver>> | undefined
afterEach(async () => {
  await harness?.close()
  await collector?.close()
  harness = collector = undefined
})
const startWith = async (tracesUrl: string) => {
  const otlp = { tracesUrl, headers: { 'x-key': 'k' }, serviceName: 'tests' }
  harness = await startHarness({
    start: true,
    config: { observability: { otlp, limits: { intervalMs: 20, retryMs: 20 } } },
  })
  return harness
}
const spansOf = () => readSpans(collector?.received ?? [])

describe('traces', () => {
  it('cover a job from its creation to its end, with every callback of its trainer below the attempt', async () => {
    collector = await startReceiver(() => Response.json({}))
    const { createJob, waitFor, runner, post } = await startWith(`${collector.url}/v1/traces`)
    const { id, traceId } = await createJob()
    const { value } = await runner.context.tokens.issue({ jobId: id, attempt: 1 })
    // Like the SDK, with the TRACEPARENT from the environment.
    const traceparent = attemptTraceparent({ traceId, jobId: id, attempt: 1 })
    await waitFor(id, (job) => job.state === 'running' || isOver(job))
    await post(`/v1/jobs/${id}/events`, { attempt: 1, events: [] }, { authorization: `Bearer ${value}`, traceparent })
    await waitFor(id, isOver)
    const root = attemptSpanId({ traceId, jobId: id, attempt: 1 })
    await expect
      .poll(() => new Set(spansOf().map((span) => span.name)), { timeout: 30_000, interval: 50 })
      .toEqual(
        new Set(['job.create', 'job.queue', 'job.launch', 'job.run', 'job.end', 'job.attempt', 'callback events']),
      )
    for (const span of spansOf()) {
      expect(span.traceId).toBe(traceId)
      if (span.name === 'job.attempt') expect([span.spanId, span.parentSpanId ?? '']).toEqual([root, ''])
      else expect(span.parentSpanId).toBe(root)
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano))
      expect(BigInt(span.startTimeUnixNano)).toBeGreaterThan(1_600_000_000_000_000_000n)
    }
    expect(collector.received.every((one) => one.headers.get('x-key') === 'k')).toBe(true)
  })

  it('go on with the trace of who submits, one for several jobs, and the runner asks the registry in it', async () => {
    collector = await startReceiver(() => Response.json({}))
    const { post, waitFor, datasetId, runner } = await startWith(`${collector.url}/v1/traces`)
    const traceId = 'ab'.repeat(16)
    const submitter = '1234567890abcdef'
    const { trainers } = runner.context
    const asked: (string | undefined)[] = []
    const resolve = trainers.resolve.bind(trainers)
    const fetchBundle = trainers.fetchBundle.bind(trainers)
    trainers.resolve = (reference, options) => {
      asked.push(options?.traceparent)
      return resolve(reference, options)
    }
    trainers.fetchBundle = (trainer, options) => {
      asked.push(options?.traceparent)
      return fetchBundle(trainer, options)
    }
    const submit = async (traceparent: string): Promise<number> => {
      const body = { trainer: 'acme/plain', dataset: datasetId }
      const created = (await (await post('/v1/jobs', body, { traceparent })).json()) as { id: number; traceId: string }
      await waitFor(created.id, isOver)
      return created.id
    }
    const ids = [
      await submit(`00-${traceId}-${submitter}-01`),
      await submit(`00-${traceId}-${submitter}-01`),
      // Invalid headers begin a trace.
      await submit(`00-${'0'.repeat(32)}-${submitter}-01`),
    ]
    const wholes = () => spansOf().filter(({ name }) => name === 'job.attempt')
    await expect.poll(() => wholes().length, { timeout: 30_000, interval: 50 }).toBe(3)
    const spanOf = (jobId = 0) => attemptSpanId({ traceId, jobId, attempt: 1 })
    expect(wholes().map((span) => [span.traceId === traceId, span.parentSpanId ?? ''])).toEqual([
      [true, submitter],
      [true, submitter],
      [false, ''],
    ])
    expect(
      wholes()
        .slice(0, 2)
        .map(({ spanId }) => spanId),
    ).toEqual([spanOf(ids[0]), spanOf(ids[1])])
    expect(new Set(spansOf().map(({ spanId }) => spanId)).size).toBe(spansOf().length)
    expect(asked).toHaveLength(6)
    expect(asked[0]).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    expect(asked[1]).toBe(attemptTraceparent({ traceId, jobId: ids[0] ?? 0, attempt: 1 }))
  })

  it('delay no request when the collector is unavailable', async () => {
    const runner = await startWith('http://127.0.0.1:9/v1/traces')
    const journal = await openJournal(runner)
    const began = performance.now()
    for (let seq = 1; seq <= 20; seq++) {
      const response = await runner.post(
        `/v1/jobs/${journal.jobId}/events`,
        { attempt: 1, events: [{ seq, time: new Date().toISOString(), type: 'log', level: 'info', message: 'x' }] },
        {
          authorization: journal.authorization,
          traceparent: attemptTraceparent({ traceId: 'c'.repeat(32), jobId: journal.jobId, attempt: 1 }),
        },
      )
      expect(response.status).toBe(200)
    }
    // The collector's timeout is five seconds. Twenty requests that waited for it would take a hundred.
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})
