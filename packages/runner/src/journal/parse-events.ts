import { setImmediate } from 'node:timers/promises'
import {
  decodeMetric,
  isStorableTime,
  isTerminalEventType,
  type LogLevel,
  type MetricAxis,
  type Metrics,
  type MetricValue,
  type RejectedEvent,
  type TrainerEvent,
} from '@trainyard/contract'
import type { JobProgress } from '../db/schema/jobs.ts'
import { type CheckedEvent, checkEvent, type EventProblem } from './check-event.ts'
import { keptBody } from './kept-body.ts'
import { isNestedDeeperThan, MAX_EVENT_NESTING, NESTED } from './nesting.ts'
import type { RawEvent } from './raw-event.ts'
import { readPlainEvent } from './read-plain-event.ts'

export interface ParsedPoint {
  seq: number
  name: string
  axis: MetricAxis
  step: number
  value: number
  time: string
}

export interface ParsedLogLine {
  seq: number
  level: LogLevel
  message: string
  time: string
}

export interface ParsedEvent {
  seq: number
  type: string
  time: string | null
  body: RawEvent
  rejected: EventProblem | null
}

export type TerminalEvent = Extract<TrainerEvent, { type: 'completed' | 'failed' | 'cancelled' }>

/** The parsed events of a batch, ready to be stored. */
export interface ParsedBatch {
  events: ParsedEvent[]
  metrics: ParsedPoint[]
  logs: ParsedLogLine[]
  progress: JobProgress
  latestMetrics: Record<string, MetricValue>
  terminal: TerminalEvent | undefined
  rejected: RejectedEvent[]
}

export function emptyBatch(): ParsedBatch {
  return { events: [], metrics: [], logs: [], progress: {}, latestMetrics: {}, terminal: undefined, rejected: [] }
}

/** A turn of the event loop that parses events ends after this time, so that other requests are answered. */
const TURN_MS = 10

/**
 * Parses each event on its own, so that an invalid event does not block the journal, in as many turns of the event loop as they
 * need. `raw` is in order and has no gaps.
 */
export async function parseEvents(raw: readonly RawEvent[]): Promise<ParsedBatch> {
  const batch = emptyBatch()
  let startedMs = performance.now()
  for (const body of raw) {
    const parsing = parse(batch, body)
    while (parsing.next().done !== true) {
      if (performance.now() - startedMs < TURN_MS) continue
      await setImmediate()
      startedMs = performance.now()
    }
  }
  return batch
}

/** The batch of events that were parsed before. What was rejected stays rejected. */
export function batchOf(events: readonly ParsedEvent[]): ParsedBatch {
  const batch = emptyBatch()
  for (const event of events) {
    if (event.rejected === null) parseNow(batch, event.body)
    else addRejected(batch, event, event.rejected)
  }
  return batch
}

function parseNow(batch: ParsedBatch, body: RawEvent): void {
  const parsing = parse(batch, body)
  while (parsing.next().done !== true);
}

/** Yields wherever others can go first. */
function* parse(batch: ParsedBatch, body: RawEvent): Generator<undefined, void> {
  yield
  const plain = readPlainEvent(body)
  const checked: CheckedEvent = plain === undefined ? yield* checkEvent(body) : { event: plain }
  if (checked.problem !== undefined) {
    // PostgreSQL cannot store what nests too deep: it is kept as text.
    if (isNestedDeeperThan(MAX_EVENT_NESTING, body)) rejectNested(batch, body)
    else reject(batch, body, checked.problem)
  } else if (batch.terminal !== undefined)
    reject(batch, body, { path: 'type', detail: `must not follow the terminal event "${batch.terminal.type}"` })
  else accept(batch, body, checked.event)
}

function rejectNested(batch: ParsedBatch, body: RawEvent): void {
  addRejected(batch, { ...rejectedHead(body), body: keptBody(body) }, { path: '', detail: NESTED })
}

function reject(batch: ParsedBatch, body: RawEvent, reason: EventProblem): void {
  addRejected(batch, { ...rejectedHead(body), body }, reason)
}

function addRejected(batch: ParsedBatch, event: Omit<ParsedEvent, 'rejected'>, reason: EventProblem): void {
  batch.events.push({ ...event, rejected: reason })
  batch.rejected.push({ seq: event.seq, code: 'invalid_event', ...reason })
}

function rejectedHead({ seq, type, time }: RawEvent): Pick<ParsedEvent, 'seq' | 'type' | 'time'> {
  return {
    seq,
    type: typeof type === 'string' && type !== '' ? type.slice(0, 100).toWellFormed() : 'unknown',
    time: typeof time === 'string' && isStorableTime(time) ? new Date(time).toISOString() : null,
  }
}

/** An event that PostgreSQL cannot store as it is, in a form that it can. */
export function refuseEvent({ seq, type, body }: ParsedEvent, reason: EventProblem): ParsedEvent {
  const kept = keptBody(body)
  return { seq, type: type.replaceAll('\u0000', '\uFFFD').toWellFormed(), time: null, body: kept, rejected: reason }
}

const PROGRESS_FIELDS = ['epoch', 'totalEpochs', 'step', 'totalSteps', 'phase'] as const

function accept(batch: ParsedBatch, body: RawEvent, event: TrainerEvent): void {
  const time = toUtc(event.time)
  batch.events.push({ seq: event.seq, type: event.type, time, body, rejected: null })
  for (const point of metricPointsOf(event)) {
    batch.metrics.push(point)
    batch.latestMetrics[point.name] = point.raw
  }
  if (event.type === 'progress') {
    for (const field of PROGRESS_FIELDS)
      if (event[field] !== undefined) Object.assign(batch.progress, { [field]: event[field] })
  }
  if (event.type === 'log') batch.logs.push({ seq: event.seq, level: event.level, message: event.message, time })
  if (isTerminalEventType(event.type)) batch.terminal = event as TerminalEvent
}

/** The metric points of an event. Their step is the event's step, else its epoch, else its sequence number. */
export function metricPointsOf(event: TrainerEvent): (ParsedPoint & { raw: MetricValue })[] {
  switch (event.type) {
    case 'progress':
      return event.step === undefined && event.epoch !== undefined
        ? toPoints(event, event.metrics ?? {}, 'epoch', event.epoch)
        : toPoints(event, event.metrics ?? {}, 'step', event.step ?? event.seq)
    case 'validation': {
      const metrics = { ...event.metrics, [event.primary.name]: event.primary.value }
      return toPoints(event, metrics, event.epoch === undefined ? 'step' : 'epoch', event.epoch ?? event.seq)
    }
    default:
      return []
  }
}

function toPoints(event: { seq: number; time: string }, metrics: Metrics, axis: MetricAxis, step: number) {
  const time = toUtc(event.time)
  return Object.entries(metrics).map(([name, raw]) => ({
    seq: event.seq,
    name,
    axis,
    step,
    value: decodeMetric(raw),
    raw,
    time,
  }))
}

/** In the format of `toISOString`, which most senders use. */
function toUtc(time: string): string {
  return time.length === 24 && time.endsWith('Z') ? time : new Date(time).toISOString()
}
