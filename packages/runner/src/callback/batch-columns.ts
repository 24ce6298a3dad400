import { type EventChunk, packEvents } from '../journal/pack-events.ts'
import type { IntakeBatch } from './intake-batch.ts'

/**
 * The parameters of `storeEvents`: arrays that the statement unnests side by side. A batch, an event, a name and a series are
 * referenced by their number, from 1. Arrays of numbers and times are strings in PostgreSQL's array syntax, because the driver
 * would quote and escape every element.
 */
export interface EventColumns {
  /** One element for each batch. */
  jobIds: string
  attempts: string
  channels: string[]
  firsts: string
  lasts: string
  progress: string[]
  latestMetrics: string[]
  /** One element for each event: its batch, sequence number and time. */
  eventBatches: string
  eventSeqs: string
  eventTimes: string
  /** One element for each event that is stored in a row of its own. */
  rowEvents: string
  /** A JSON array. */
  rowBodies: string
  /** The type and the reason of a rejected event, else null. Nulls at the end are left out. */
  rowExceptions: (string | null)[]
  /** One element for each name of a metric. */
  names: string[]
  axes: string[]
  /** One element for each name in a batch. */
  seriesBatches: string
  seriesNames: string
  /** One element for each point. Its sequence number and time are those of its event. */
  pointEvents: string
  pointSeries: string
  pointSteps: string
  pointValues: string
  /** Log lines of all batches, as a JSON array of objects. */
  lines: string
  /** One element for each chunk of events that share a row. Its bytes are a slice of `chunkBytes`. */
  chunkBatches: string
  chunkFirsts: string
  chunkLasts: string
  chunkProgressCounts: string
  chunkLogCounts: string
  chunkOffsets: string
  chunkSizes: string
  chunkBytes: Buffer
}

export function columnsOf(inputs: readonly IntakeBatch[]): EventColumns {
  const events = inputs.flatMap(({ batch }, index) => batch.events.map((event) => ({ ix: index + 1, event })))
  const { names, axes, series, points } = pointsOf(inputs)
  const { alone, chunks } = packBatches(inputs)
  const rows = alone.flatMap((number) => events[number - 1]?.event ?? [])
  const lines = inputs.flatMap(({ batch }, index) => batch.logs.map((line) => ({ ix: index + 1, ...line })))
  return {
    jobIds: arrayOf(inputs, (input) => input.jobId),
    attempts: arrayOf(inputs, (input) => input.attempt),
    channels: inputs.map((input) => input.channel),
    firsts: arrayOf(inputs, (input) => input.first),
    lasts: arrayOf(inputs, (input) => input.last),
    progress: inputs.map((input) => JSON.stringify(input.batch.progress)),
    latestMetrics: inputs.map((input) => JSON.stringify(input.batch.latestMetrics)),
    eventBatches: arrayOf(events, ({ ix }) => ix),
    eventSeqs: arrayOf(events, ({ event }) => event.seq),
    eventTimes: arrayOf(events, ({ event }) => event.time ?? 'NULL'),
    rowEvents: arrayOf(alone, (number) => number),
    rowBodies: JSON.stringify(rows.map((event) => event.body)),
    rowExceptions: withoutTrailingNulls(
      rows.map(({ type, rejected }) => (rejected === null ? null : JSON.stringify({ type, rejected }))),
    ),
    names,
    axes,
    seriesBatches: arrayOf(series, ({ ix }) => ix),
    seriesNames: arrayOf(series, ({ name }) => name),
    pointEvents: arrayOf(points, ({ event }) => event),
    pointSeries: arrayOf(points, ({ series }) => series),
    pointSteps: arrayOf(points, ({ step }) => step),
    pointValues: arrayOf(points, ({ value }) => value),
    lines: JSON.stringify(lines),
    chunkBatches: arrayOf(chunks, ({ ix }) => ix),
    chunkFirsts: arrayOf(chunks, ({ chunk }) => chunk.first),
    chunkLasts: arrayOf(chunks, ({ chunk }) => chunk.last),
    chunkProgressCounts: arrayOf(chunks, ({ chunk }) => chunk.progressCount),
    chunkLogCounts: arrayOf(chunks, ({ chunk }) => chunk.logCount),
    chunkOffsets: arrayOf(chunks, ({ offset }) => offset),
    chunkSizes: arrayOf(chunks, ({ chunk }) => chunk.bodies.length),
    chunkBytes: Buffer.concat(chunks.map(({ chunk }) => chunk.bodies)),
  }
}

/** The numbers of the events that get a row each, and the chunks of all others. Offsets start at 1, as in PostgreSQL. */
function packBatches(inputs: readonly IntakeBatch[]) {
  const alone: number[] = []
  const chunks: { ix: number; chunk: EventChunk; offset: number }[] = []
  let before = 0
  let offset = 1
  for (const [index, { batch }] of inputs.entries()) {
    const packed = packEvents(batch.events)
    for (const position of packed.alone) alone.push(before + position + 1)
    for (const chunk of packed.chunks) {
      chunks.push({ ix: index + 1, chunk, offset })
      offset += chunk.bodies.length
    }
    before += batch.events.length
  }
  return { alone, chunks }
}

/** An array in PostgreSQL's syntax. Only for values that need no quotes. */
function arrayOf<T>(items: readonly T[], value: (item: T, index: number) => number | string): string {
  return `{${items.map(value).join(',')}}`
}

/** Arrays that are unnested side by side are padded with nulls. */
function withoutTrailingNulls(values: readonly (string | null)[]): (string | null)[] {
  return values.slice(0, values.findLastIndex((value) => value !== null) + 1)
}

interface PointColumns {
  names: string[]
  axes: string[]
  /** The batch and the name of a series. */
  series: { ix: number; name: number }[]
  points: { event: number; series: number; step: number; value: number }[]
}

/** The points of all batches. Of several points of a batch with the same name and step, the last one is kept. */
function pointsOf(inputs: readonly IntakeBatch[]): PointColumns {
  const columns: PointColumns = { names: [], axes: [], series: [], points: [] }
  const nameNumbers = new Map<string, number>()
  let before = 0
  for (const [index, { batch }] of inputs.entries()) {
    const seriesNumbers = new Map<string, number>()
    const pointIndexes = new Map<string, Map<number, number>>()
    // Points are in the order of their events.
    let event = 0
    for (const { seq, name, axis, step, value } of batch.metrics) {
      while ((batch.events[event]?.seq ?? seq) < seq) event++
      const key = `${axis} ${name}`
      let series = seriesNumbers.get(key)
      if (series === undefined) {
        let number = nameNumbers.get(key)
        if (number === undefined) {
          number = columns.names.push(name)
          columns.axes.push(axis)
          nameNumbers.set(key, number)
        }
        series = columns.series.push({ ix: index + 1, name: number })
        seriesNumbers.set(key, series)
      }
      // A statement cannot write a row twice. The later point replaces the earlier one, even on another axis.
      const indexes = pointIndexes.get(name) ?? new Map<number, number>()
      pointIndexes.set(name, indexes)
      const at = indexes.get(step) ?? columns.points.length
      indexes.set(step, at)
      columns.points[at] = { event: before + event + 1, series, step, value }
    }
    before += batch.events.length
  }
  return columns
}
