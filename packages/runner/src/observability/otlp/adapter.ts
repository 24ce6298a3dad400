import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { attemptSpanId, spanIdOf } from '../../span-ids.ts'
import type { ExperimentEnd, ExperimentInfo, ObservabilityAdapter } from '../adapter.ts'
import type { OtlpConfig } from './config.ts'
import { finishedSpan, type SpanInput, serviceResource } from './spans.ts'

/**
 * The life of each attempt as spans, made from what is stored: they survive a restart, and come again with the same ids
 * when it is not known whether they arrived. The spans of single callbacks are sent by `callback-tracing.ts`.
 */
export function createOtlpAdapter(config: OtlpConfig): ObservabilityAdapter {
  const exporter = new OTLPTraceExporter({ url: config.tracesUrl, headers: { ...config.headers }, timeoutMillis: 8000 })
  const resource = serviceResource(config.serviceName)
  const send = async (inputs: readonly SpanInput[]) => {
    const spans: ReadableSpan[] = inputs.map((input) => finishedSpan(input, resource))
    await new Promise<void>((resolve, reject) => {
      exporter.export(spans, ({ code, error }) => {
        if (code === 0) resolve()
        else reject(error ?? new Error('the collector did not take the spans'))
      })
    })
    return undefined
  }
  const nothing = async () => undefined
  return {
    name: 'otlp',
    takes: { metrics: false, artifacts: false, lines: false },
    async start(info) {
      await send(beforeSpans(info))
      return { traceId: info.traceId }
    },
    logParams: nothing,
    logMetrics: nothing,
    logArtifact: nothing,
    logLines: nothing,
    finish: async (_handle, end, info) => await send(endSpans(info, end)),
    link: () => undefined,
    close: async () => await exporter.shutdown(),
  }
}

function part(info: ExperimentInfo, name: string, start: Date, end: Date): SpanInput {
  const { traceId, attempt } = info
  return {
    traceId,
    spanId: spanIdOf(traceId, `${attempt} ${name}`),
    parentId: attemptSpanId(traceId, attempt),
    name,
    start,
    end,
  }
}

/** What lies behind an attempt when its trainer is first heard. */
function beforeSpans(info: ExperimentInfo): SpanInput[] {
  const queuedAt = info.queuedAt ?? info.createdAt
  const { launchedAt, heardAt } = info
  return [
    part(info, 'job.create', info.createdAt, queuedAt),
    ...(launchedAt === undefined ? [] : [part(info, 'job.queue', queuedAt, launchedAt)]),
    ...(launchedAt === undefined || heardAt === undefined ? [] : [part(info, 'job.launch', launchedAt, heardAt)]),
  ]
}

/** The attempt as a whole, and its end. */
function endSpans(info: ExperimentInfo, end: ExperimentEnd): SpanInput[] {
  const { traceId, attempt } = info
  const error = end.state === 'failed' ? { error: end.message ?? end.reason } : {}
  const attributes = {
    'trainyard.job': info.jobId,
    'trainyard.attempt': attempt,
    'trainyard.trainer': `${info.trainer.name}@${info.trainer.version}`,
    'trainyard.operation': info.operation,
    'trainyard.end_reason': end.reason,
  }
  const whole = { traceId, spanId: attemptSpanId(traceId, attempt), name: 'job.attempt', start: info.createdAt }
  return [
    ...(info.heardAt === undefined ? [] : [part(info, 'job.run', info.heardAt, end.finishedAt)]),
    {
      ...part(info, 'job.end', end.finishedAt, end.finishedAt),
      attributes: { 'trainyard.end_reason': end.reason },
      ...error,
    },
    { ...whole, end: end.finishedAt, attributes, ...error },
  ]
}
