import {
  LogLevel,
  MAX_LOG_MESSAGE_LENGTH,
  type SimpleDoneRequest,
  type SimpleEventRequest,
  type SimpleHeartbeatRequest,
} from '@trainyard/sdk/contract'
import type { z } from 'zod'
import type { JobRow } from '../db/schema.ts'

/** An event of the journal without its number and time. */
export type UnnumberedEvent = { type: string } & Record<string, unknown>

export function eventsOfHeartbeat(body: z.infer<typeof SimpleHeartbeatRequest>): UnnumberedEvent[] {
  const { epoch, total_epochs: totalEpochs, step, total_steps: totalSteps, progress, metrics } = body
  const known = { epoch, totalEpochs, step, totalSteps, metrics }
  const hasShare = totalEpochs !== undefined || totalSteps !== undefined
  const percent = progress === undefined || hasShare ? {} : { step: Math.round(progress), totalSteps: 100 }
  const event = { ...defined(known), ...percent }
  return Object.keys(event).length === 0 ? [] : [{ type: 'progress', ...event }]
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  warn: 'warning',
  critical: 'error',
  fatal: 'error',
  trace: 'debug',
}

export function eventOfMessage(body: z.infer<typeof SimpleEventRequest>): UnnumberedEvent {
  const name = body.level.toLowerCase()
  const level = LogLevel.safeParse(name)
  return {
    type: 'log',
    level: level.success ? level.data : (LEVELS[name] ?? 'info'),
    message: body.message.slice(0, MAX_LOG_MESSAGE_LENGTH),
    ...defined({ eventType: body.event_type, data: body.data }),
  }
}

export function eventOfDone(
  body: z.infer<typeof SimpleDoneRequest>,
  job: Pick<JobRow, 'operation' | 'export_format'>,
): UnnumberedEvent {
  switch (body.status) {
    case 'cancelled':
      return { type: 'cancelled', ...defined({ message: body.error?.slice(0, 1000) }) }
    case 'failed':
    case 'error': {
      const message = (body.error ?? 'The trainer reported a failure').slice(0, MAX_LOG_MESSAGE_LENGTH)
      return { type: 'failed', errorType: 'UnknownError', message, retryable: true }
    }
    default:
      return { type: 'completed', result: resultOf(body, job) }
  }
}

function resultOf(body: z.infer<typeof SimpleDoneRequest>, job: Pick<JobRow, 'operation' | 'export_format'>) {
  const [artifactId] = (body.artifacts ?? []).filter((item) => typeof item === 'string')
  switch (job.operation) {
    case 'train':
      return { operation: 'train', metrics: body.final_metrics ?? {} }
    case 'predict':
      return {
        operation: 'predict',
        imageCount: Number(body.final_metrics?.image_count ?? 0),
        ...defined({ artifactId }),
      }
    case 'export':
      return { operation: 'export', format: job.export_format ?? '', artifactId }
  }
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
