import type { RejectedEvent } from '@trainyard/contract'
import { batchOf, type ParsedEvent, refuseEvent } from '../journal/parse-events.ts'
import type { RawEvent } from '../journal/raw-event.ts'
import type { IntakeBatch } from './intake-batch.ts'

export interface ExcessNames {
  /** Names in the batch that the job does not have yet. */
  newNames: readonly string[]
  /** Number of names that the job has. */
  heldNames: number
  /** The primary metric of the job. It is never left out before others. */
  primary: string
  /** Number of names that the job can have. */
  limit: number
}

const NAMES_SHOWN = 20

/**
 * Leaves out the metrics of a batch whose names exceed the limit of the job. New names are admitted in the order in which the
 * batch mentions them. The other metrics and fields of an event are kept, with a note about what was left out.
 */
export function leaveOutNames(
  input: IntakeBatch,
  excess: ExcessNames,
): { fitting: IntakeBatch; refused: RejectedEvent[] } {
  const left = namesToLeaveOut(input, excess)
  const refused: RejectedEvent[] = []
  const events = input.batch.events.map((event) => {
    const names = event.rejected === null ? metricNamesOf(event.body).filter((name) => left.has(name)) : []
    const [first] = names
    if (first === undefined) return event
    const others = names.length === 1 ? 'was' : `and ${names.length - 1} other metrics of the event were`
    const reason = {
      path: `metrics.${first}`,
      detail: `${others} not stored: a job can have at most ${excess.limit} names of metrics (MAX_METRIC_NAMES)`,
    }
    refused.push({ seq: event.seq, code: 'invalid_event', ...reason })
    return withoutMetrics(event, names, reason)
  })
  return { fitting: { ...input, batch: batchOf(events) }, refused }
}

function namesToLeaveOut(input: IntakeBatch, { newNames, heldNames, primary, limit }: ExcessNames): Set<string> {
  const left = new Set(newNames)
  let free = Math.max(0, limit - heldNames)
  for (const name of [primary, ...input.batch.metrics.map((point) => point.name)]) {
    if (free === 0) break
    if (left.delete(name)) free--
  }
  return left
}

function metricNamesOf(body: RawEvent): string[] {
  const names = Object.keys(metricsOf(body))
  const primary = primaryNameOf(body)
  return primary === undefined || names.includes(primary) ? names : [primary, ...names]
}

function withoutMetrics(
  event: ParsedEvent,
  names: readonly string[],
  reason: { path: string; detail: string },
): ParsedEvent {
  const primary = primaryNameOf(event.body)
  // A validation without its primary metric would not be valid.
  if (primary !== undefined && names.includes(primary)) return refuseEvent(event, reason)
  const left = new Set(names)
  const metrics = Object.fromEntries(Object.entries(metricsOf(event.body)).filter(([name]) => !left.has(name)))
  const leftOut = { count: names.length, names: names.slice(0, NAMES_SHOWN), detail: reason.detail }
  return { ...event, body: { ...event.body, metrics, leftOutMetrics: leftOut } }
}

/** Metrics become points in these events only. Other events keep theirs. */
function metricsOf({ type, metrics }: RawEvent): object {
  const isReported = (type === 'progress' || type === 'validation') && typeof metrics === 'object' && metrics !== null
  return isReported ? metrics : {}
}

function primaryNameOf({ type, primary }: RawEvent): string | undefined {
  if (type !== 'validation' || typeof primary !== 'object' || primary === null || !('name' in primary)) return undefined
  return String(primary.name)
}
