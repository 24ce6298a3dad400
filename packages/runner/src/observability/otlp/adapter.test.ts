import { adapterCases } from '../adapter.cases.ts'
import { readSpans } from '../testing/read-spans.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createOtlpAdapter } from './index.ts'

/** The state of an attempt, by the attribute of its span. */
const STATES = new Map([
  ['completed', 'succeeded'],
  ['training_error', 'failed'],
  ['cancelled_by_user', 'cancelled'],
] as const)

adapterCases(
  // It stores no points. Repeated spans have the same ids.
  { name: 'otlp', idempotent: true, notFinite: false, anyName: true, params: false, ends: true },
  async () => {
    const collector = await startReceiver(() => Response.json({}))
    const create = (origin = collector.url) =>
      createOtlpAdapter({ tracesUrl: `${origin}/v1/traces`, headers: {}, serviceName: 'tests' })
    return {
      create,
      createDead: () => create('http://127.0.0.1:9'),
      async read(_adapter, { traceId }) {
        const spans = readSpans(collector.received).filter((span) => span.traceId === traceId)
        const reason = spans
          .find(({ name }) => name === 'job.attempt')
          ?.attributes.find(({ key }) => key === 'trainyard.end_reason')?.value.stringValue
        const state = [...STATES].find(([known]) => known === reason)?.[1]
        return { points: [], params: {}, artifacts: [], lines: [], state }
      },
      close: async () => await collector.close(),
    }
  },
)
