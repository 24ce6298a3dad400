import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@trainyard/client'
import { packFolder } from '@trainyard/client/files'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { startEmbeddedRunner } from '@trainyard/runner'
import { writeTestDataset } from '@trainyard/testing'
import { expect, test } from 'vitest'
import { type ReceivedSpan, readSpans } from '../../packages/runner/src/observability/testing/read-spans.ts'
import { startReceiver } from '../../packages/runner/src/observability/testing/receiver.ts'
import { attemptSpanId } from '../../packages/runner/src/span-ids.ts'
import { jobWhen } from './prepare-training.ts'

/** Of an attempt, in the order in which they begin. */
const PARTS = ['job.create', 'job.queue', 'job.launch', 'job.run', 'job.end']

test('one trace leads from a job’s submission over its queue and launch to what its trainer sends through the SDK', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-traces-'))
  const collector = await startReceiver(() => Response.json({}))
  const otlp = { tracesUrl: `${collector.url}/v1/traces`, headers: {}, serviceName: 'tests' }
  const runner = await startEmbeddedRunner({
    trainerDir: fileURLToPath(new URL('./saving-trainer', import.meta.url)),
    databaseUrl: testDatabaseUrl(),
    config: { observability: { otlp, limits: { intervalMs: 50 } } },
  })
  try {
    const client = createClient({ runnerUrl: runner.url, token: runner.token })
    const folder = await writeTestDataset(join(dir, 'dataset'))
    const { id: dataset } = await client.datasets.upload(packFolder(folder), { name: 'test' })
    const { id, traceId } = await client.jobs.create({ trainer: 'acme/saving', dataset, config: { bytes: 4096 } })
    await jobWhen(client, id, ({ state }) => state === 'succeeded', 'its success')
    await client.jobs.restart(id)
    await jobWhen(client, id, ({ state, attempt }) => state === 'succeeded' && attempt === 2, 'its second success')

    const spans = () => readSpans(collector.received)
    const ended = () => spans().filter(({ name }) => name === 'job.attempt')
    await expect.poll(() => ended().length, { timeout: 60_000 }).toBe(2)
    const callbacks = (attempt: number) =>
      spans().filter(
        (span) =>
          span.name.startsWith('callback ') && span.parentSpanId === attemptSpanId({ traceId, jobId: id, attempt }),
      )
    const namesOf = (of: readonly ReceivedSpan[]) => new Set(of.map(({ name }) => name))
    for (const attempt of [1, 2]) {
      // The SDK's own: events, the announcement of the checkpoint and its completion.
      const expected = new Set(['callback events', 'callback artifacts'])
      await expect.poll(() => namesOf(callbacks(attempt)), { timeout: 30_000 }).toEqual(expected)
      const root = attemptSpanId({ traceId, jobId: id, attempt })
      const whole = ended().find(({ spanId }) => spanId === root)
      const parts = spans().filter(({ name, parentSpanId }) => parentSpanId === root && name.startsWith('job.'))
      expect(parts.sort((a, b) => starts(a) - starts(b)).map(({ name }) => name)).toEqual(PARTS)
      for (const [index, part] of parts.slice(1).entries())
        expect(starts(part), part.name).toBeGreaterThanOrEqual(ends(parts[index]))
      // What the trainer sends comes while it runs, as the same clock tells.
      const run = parts.find(({ name }) => name === 'job.run')
      for (const span of callbacks(attempt)) {
        expect(starts(span)).toBeGreaterThanOrEqual(starts(whole))
        expect(ends(span)).toBeGreaterThanOrEqual(starts(run))
      }
    }
    expect(new Set(spans().map((span) => span.traceId))).toEqual(new Set([traceId]))
    const known = new Set(spans().map(({ spanId }) => spanId))
    const orphans = spans().filter(({ parentSpanId = '' }) => parentSpanId !== '' && !known.has(parentSpanId))
    expect(orphans).toEqual([])
  } finally {
    await runner.close()
    await collector.close()
    await rm(dir, { recursive: true, force: true })
  }
}, 180_000)

/** In milliseconds: more than the times of spans hold. */
const starts = (span: ReceivedSpan | undefined) => Number(BigInt(span?.startTimeUnixNano ?? '0') / 1_000_000n)
const ends = (span: ReceivedSpan | undefined) => Number(BigInt(span?.endTimeUnixNano ?? '0') / 1_000_000n)
