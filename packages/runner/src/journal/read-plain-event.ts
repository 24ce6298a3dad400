import { MAX_LOG_MESSAGE_LENGTH, type TrainerEvent } from '@trainyard/contract'
import { MAX_EVENT_VALUES } from './check-event.ts'

type Body = Readonly<Record<string, unknown>>

/**
 * Validates the most frequent events, `progress` and `log`, by hand, which is about twenty times as fast as the schema.
 * Returns undefined for every event that is not obviously valid; the schema then decides. A test checks that both agree.
 */
export function readPlainEvent(body: Body): TrainerEvent | undefined {
  if (!isPositive(body.seq) || !isPlainTime(body.time) || hasOtherObjects(body)) return undefined
  if (body.type === 'progress') return readProgress(body, body.seq, body.time)
  if (body.type === 'log') return readLog(body, body.seq, body.time)
  return undefined
}

function readProgress(body: Body, seq: number, time: string): TrainerEvent | undefined {
  const { epoch, totalEpochs, step, totalSteps, phase, metrics } = body
  if (!isCount(epoch) || !isCount(totalEpochs) || !isCount(step) || !isCount(totalSteps)) return undefined
  if (phase !== undefined && !isText(phase, 50)) return undefined
  if (!hasPlainMetrics(metrics)) return undefined
  const event: Extract<TrainerEvent, { type: 'progress' }> = { seq, time, type: 'progress' }
  if (epoch !== undefined) event.epoch = epoch
  if (totalEpochs !== undefined) event.totalEpochs = totalEpochs
  if (step !== undefined) event.step = step
  if (totalSteps !== undefined) event.totalSteps = totalSteps
  if (phase !== undefined) event.phase = phase
  if (metrics !== undefined) event.metrics = metrics
  return event
}

function readLog(body: Body, seq: number, time: string): TrainerEvent | undefined {
  const { level, message, eventType, data } = body
  if (level !== 'info' && level !== 'debug' && level !== 'warning' && level !== 'error') return undefined
  if (data !== undefined || !isText(message, MAX_LOG_MESSAGE_LENGTH)) return undefined
  if (eventType === undefined) return { seq, time, type: 'log', level, message }
  return isText(eventType, 100) ? { seq, time, type: 'log', level, message, eventType } : undefined
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function isCount(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength
}

/** Whether a field other than the metrics of `progress` is an object, which may be nested too deeply to be stored. */
function hasOtherObjects(body: Body): boolean {
  const known = body.type === 'progress' ? 'metrics' : undefined
  for (const name in body) if (typeof body[name] === 'object' && name !== known) return true
  return false
}

/** UTC, with a day that exists in every month. The schema handles calendars and offsets. */
const PLAIN_TIME =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/

function isPlainTime(value: unknown): value is string {
  return typeof value === 'string' && PLAIN_TIME.test(value)
}

function hasPlainMetrics(
  value: unknown,
): value is Record<string, number | 'NaN' | 'Infinity' | '-Infinity'> | undefined {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const metrics = Object.entries(value)
  // Which is refused with the reason.
  if (metrics.length > MAX_EVENT_VALUES - 100) return false
  for (const [name, metric] of metrics) {
    if (name === '' || name.length > 250 || name === '__proto__') return false
    if (typeof metric === 'number') {
      // JSON.parse reads 1e999 as Infinity.
      if (!Number.isFinite(metric)) return false
    } else if (metric !== 'NaN' && metric !== 'Infinity' && metric !== '-Infinity') return false
  }
  return true
}
