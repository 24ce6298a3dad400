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
    const traceparent = attemptTraceparent(traceId, 1)
    await waitFor(id, (job) => job.state === 'running' || isOver(job))
    await post(`/v1/jobs/${id}/events`, { attempt: 1, events: [] }, { authorization: `Bearer ${value}`, traceparent })
    await waitFor(id, isOver)
    const root = attemptSpanId(traceId, 1)
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

  it('delay no request when the collector is unavailable', async () => {
    const runner = await startWith('http://127.0.0.1:9/v1/traces')
    const journal = await openJournal(runner)
    const began = performance.now()
    for (let seq = 1; seq <= 20; seq++) {
      const response = await runner.post(
        `/v1/jobs/${journal.jobId}/events`,
        { attempt: 1, events: [{ seq, time: new Date().toISOString(), type: 'log', level: 'info', message: 'x' }] },
        { authorization: journal.authorization, traceparent: attemptTraceparent('c'.repeat(32), 1) },
      )
      expect(response.status).toBe(200)
    }
    // The collector's timeout is five seconds. Twenty requests that waited for it would take a hundred.
    expect(performance.now() - began).toBeLessThan(60_000)
  })
})
