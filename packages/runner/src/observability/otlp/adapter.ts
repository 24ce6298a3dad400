import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { attemptSpanId, spanIdOf } from '../../span-ids.ts'
import type { ExperimentEnd, ExperimentInfo, ObservabilityAdapter } from '../adapter.ts'
import type { OtlpConfig } from './config.ts'
import { finishedSpan, type SpanInput, serviceResource } from './spans.ts'

/**
 * Sends each attempt as spans, built from stored data. They survive a restart, and have the same ids when they are repeated.
 * `callback-tracing.ts` sends the spans of single callbacks.
 */
export function createOtlpAdapter(config: OtlpConfig): ObservabilityAdapter {
  const exporter = new OTLPTraceExporter({ url: config.tracesUrl, headers: { ...config.headers }, timeoutMillis: 8000 })
  const resource = serviceResource(config.serviceName)
  const send = async (inputs: readonly SpanInput[]) => {
    const spans: ReadableSpan[] = inputs.map((input) => finishedSpan(input, resource))
    await new Promise<void>((resolve, reject) => {
      exporter.export(spans, ({ code, error }) => {
        if (code === 0) resolve()
        else reject(error ?? new Error('the collector did not accept the spans'))
      })
    })
    return undefined
  }
  const nothing = async () => undefined
  return {
    name: 'otlp',
    takes: { metrics: false, artifacts: false, lines: false },
    async start(info) {
      await send(startSpans(info))
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

function childSpan(info: ExperimentInfo, name: string, start: Date, end: Date): SpanInput {
  const { traceId } = info
  return {
    traceId,
    spanId: spanIdOf(info, name),
    parentId: attemptSpanId(info),
    name,
    start,
    end,
  }
}

/** The phases of an attempt before the first event of its trainer. */
function startSpans(info: ExperimentInfo): SpanInput[] {
  const queuedAt = info.queuedAt ?? info.createdAt
  const { launchedAt, heardAt } = info
  return [
    childSpan(info, 'job.create', info.createdAt, queuedAt),
    ...(launchedAt === undefined ? [] : [childSpan(info, 'job.queue', queuedAt, launchedAt)]),
    ...(launchedAt === undefined || heardAt === undefined ? [] : [childSpan(info, 'job.launch', launchedAt, heardAt)]),
  ]
}

/** The span of the whole attempt, and those of its last phases. */
function endSpans(info: ExperimentInfo, end: ExperimentEnd): SpanInput[] {
  const { traceId, attempt } = info
  const error = end.state === 'failed' ? (end.message ?? end.reason) : undefined
  const attributes = {
    'trainyard.job': info.jobId,
    'trainyard.attempt': attempt,
    'trainyard.trainer': `${info.trainer.name}@${info.trainer.version}`,
    'trainyard.operation': info.operation,
    'trainyard.end_reason': end.reason,
  }
  const whole: Omit<SpanInput, 'end'> = {
    traceId,
    spanId: attemptSpanId(info),
    parentId: info.traceParentId,
    name: 'job.attempt',
    start: info.createdAt,
  }
  return [
    ...(info.heardAt === undefined ? [] : [childSpan(info, 'job.run', info.heardAt, end.finishedAt)]),
    {
      ...childSpan(info, 'job.end', end.finishedAt, end.finishedAt),
      attributes: { 'trainyard.end_reason': end.reason },
      error,
    },
    { ...whole, end: end.finishedAt, attributes, error },
  ]
}
