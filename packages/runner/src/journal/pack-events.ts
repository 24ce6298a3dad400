import { deflateSync, inflateSync } from 'node:zlib'
import type { ParsedEvent } from './parse-events.ts'

/** Consecutive events that are stored as one row. */
export interface EventChunk {
  first: number
  last: number
  progressCount: number
  logCount: number
  bodies: Buffer
}

export interface PackedEvents {
  /** Positions in the batch of the events that are stored in a row each. */
  alone: number[]
  chunks: EventChunk[]
}

/** Below this number, compressing costs more than separate rows. */
const MIN_CHUNK_EVENTS = 16
/** Reading one event decompresses the whole chunk. */
const MAX_CHUNK_EVENTS = 1000

/**
 * Divides a batch into chunks and events that are stored alone: rejected ones, short runs, and all types but `progress` and
 * `log`, because they are rare or are searched for with SQL, such as `checkpoint`.
 */
export function packEvents(events: readonly ParsedEvent[]): PackedEvents {
  const packed: PackedEvents = { alone: [], chunks: [] }
  for (let from = 0; from < events.length; ) {
    const to = endOfRun(events, from)
    if (to - from < MIN_CHUNK_EVENTS) for (let at = from; at < Math.max(to, from + 1); at++) packed.alone.push(at)
    else packed.chunks.push(packChunk(events.slice(from, to)))
    from = Math.max(to, from + 1)
  }
  return packed
}

/** The index after the run of events that starts at `from`. Equals `from` when that event cannot be in a chunk. */
function endOfRun(events: readonly ParsedEvent[], from: number): number {
  let to = from
  for (; to < events.length && to - from < MAX_CHUNK_EVENTS; to++) {
    const event = events[to]
    if (event === undefined || !isPackable(event)) break
    if (to > from && event.seq !== (events[to - 1]?.seq ?? 0) + 1) break
  }
  return to
}

function isPackable({ type, rejected }: ParsedEvent): boolean {
  return rejected === null && (type === 'progress' || type === 'log')
}

function packChunk(events: readonly ParsedEvent[]): EventChunk {
  const progressCount = events.filter(({ type }) => type === 'progress').length
  return {
    first: events[0]?.seq ?? 0,
    last: events.at(-1)?.seq ?? 0,
    progressCount,
    logCount: events.length - progressCount,
    // Events of a training are similar: higher levels hardly improve compression.
    bodies: deflateSync(JSON.stringify(events.map(({ body }) => body)), { level: 1 }),
  }
}

/** An event of a chunk, as the trainer sent it. */
export type ChunkedBody = { seq: number; time: string; type: 'progress' | 'log' } & Record<string, unknown>

export function unpackBodies(bodies: Buffer): ChunkedBody[] {
  return JSON.parse(inflateSync(bodies).toString()) as ChunkedBody[]
}
