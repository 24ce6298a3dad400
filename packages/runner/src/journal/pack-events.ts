import { deflateSync, inflateSync } from 'node:zlib'
import type { EventRow } from './parse-events.ts'

/** Consecutive events that are stored as one row. */
export interface EventChunk {
  first: number
  last: number
  progressCount: number
  logCount: number
  bodies: Buffer
}

export interface PackedEvents {
  /** Places in the batch of the events that get a row each. */
  alone: number[]
  chunks: EventChunk[]
}

/** Fewer are not worth a chunk: compressing costs more than their rows. */
const MIN_CHUNK_EVENTS = 16
/** A reader of one event unpacks the whole chunk. */
const MAX_CHUNK_EVENTS = 1000

/**
 * Divides a batch into chunks and what is stored alone: what is rare, what others look for by SQL (`checkpoint`), what was
 * rejected, and runs that are short.
 */
export function packEvents(events: readonly EventRow[]): PackedEvents {
  const packed: PackedEvents = { alone: [], chunks: [] }
  for (let from = 0; from < events.length; ) {
    const to = endOfRun(events, from)
    if (to - from < MIN_CHUNK_EVENTS) for (let at = from; at < Math.max(to, from + 1); at++) packed.alone.push(at)
    else packed.chunks.push(packChunk(events.slice(from, to)))
    from = Math.max(to, from + 1)
  }
  return packed
}

/** `from` itself when that event cannot be in a chunk. */
function endOfRun(events: readonly EventRow[], from: number): number {
  let to = from
  for (; to < events.length && to - from < MAX_CHUNK_EVENTS; to++) {
    const event = events[to]
    if (event === undefined || !isPackable(event)) break
    if (to > from && event.seq !== (events[to - 1]?.seq ?? 0) + 1) break
  }
  return to
}

function isPackable({ type, rejected }: EventRow): boolean {
  return rejected === null && (type === 'progress' || type === 'log')
}

function packChunk(events: readonly EventRow[]): EventChunk {
  const progressCount = events.filter(({ type }) => type === 'progress').length
  return {
    first: events[0]?.seq ?? 0,
    last: events.at(-1)?.seq ?? 0,
    progressCount,
    logCount: events.length - progressCount,
    // Events of a training resemble each other: more effort makes them hardly smaller.
    bodies: deflateSync(JSON.stringify(events.map(({ body }) => body)), { level: 1 }),
  }
}

/** An event of a chunk, as it was sent. */
export type ChunkedBody = { seq: number; time: string; type: 'progress' | 'log' } & Record<string, unknown>

export function unpackBodies(bodies: Buffer): ChunkedBody[] {
  return JSON.parse(inflateSync(bodies).toString()) as ChunkedBody[]
}
