import { type EventChunk, packEvents } from '../journal/pack-events.ts'
import type { IntakeBatch } from './intake-batch.ts'

/**
 * The rows of some batches as the arrays that `storeEvents` unnests, in the order of its parameters. Arrays of numbers and
 * times are written by hand: the driver would quote and escape every element.
 */
export function columnsOf(inputs: readonly IntakeBatch[]): unknown[] {
  const events = inputs.flatMap(({ batch }, index) => batch.events.map((event) => ({ ix: index + 1, event })))
  const { names, axes, series, points } = pointsOf(inputs)
  const { alone, chunks } = packed(inputs)
  const rows = alone.flatMap((number) => events[number - 1]?.event ?? [])
  const lines = inputs.flatMap(({ batch }, index) => batch.logs.map((line) => ({ ix: index + 1, ...line })))
  return [
    list(inputs, (input) => input.jobId),
    list(inputs, (input) => input.attempt),
    inputs.map((input) => input.channel),
    list(inputs, (input) => input.first),
    list(inputs, (input) => input.last),
    inputs.map((input) => JSON.stringify(input.batch.progress)),
    inputs.map((input) => JSON.stringify(input.batch.latestMetrics)),
    list(events, ({ ix }) => ix),
    list(events, ({ event }) => event.seq),
    list(events, ({ event }) => event.time ?? 'NULL'),
    JSON.stringify(rows.map((event) => event.body)),
    // Absent for all that follow the last one: unnested side by side, the shorter list is filled up with nulls.
    upToLast(rows.map((event) => (event.rejected === null ? null : { type: event.type, rejected: event.rejected }))),
    names,
    axes,
    list(series, ({ ix }) => ix),
    list(series, ({ name }) => name),
    JSON.stringify(lines),
    list(points, ({ event }) => event),
    list(points, ({ series }) => series),
    list(points, ({ step }) => step),
    list(points, ({ value }) => value),
    list(alone, (number) => number),
    list(chunks, ({ ix }) => ix),
    list(chunks, ({ chunk }) => chunk.first),
    list(chunks, ({ chunk }) => chunk.last),
    list(chunks, ({ chunk }) => chunk.progressCount),
    list(chunks, ({ chunk }) => chunk.logCount),
    list(chunks, ({ at }) => at),
    list(chunks, ({ chunk }) => chunk.bodies.length),
    Buffer.concat(chunks.map(({ chunk }) => chunk.bodies)),
  ]
}

/** Numbers of the events that get a row each, from 1 over all batches; and the chunks of the others, `at` their place in all bytes. */
function packed(inputs: readonly IntakeBatch[]) {
  const alone: number[] = []
  const chunks: { ix: number; chunk: EventChunk; at: number }[] = []
  let before = 0
  let at = 1
  for (const [index, { batch }] of inputs.entries()) {
    const ofBatch = packEvents(batch.events)
    for (const place of ofBatch.alone) alone.push(before + place + 1)
    for (const chunk of ofBatch.chunks) {
      chunks.push({ ix: index + 1, chunk, at })
      at += chunk.bodies.length
    }
    before += batch.events.length
  }
  return { alone, chunks }
}

/** The array literal of PostgreSQL; only for values that need no quotes in it. */
function list<T>(items: readonly T[], value: (item: T, index: number) => number | string): string {
  return `{${items.map(value).join(',')}}`
}

function upToLast(values: readonly (object | null)[]): (string | null)[] {
  const count = values.findLastIndex((value) => value !== null) + 1
  return values.slice(0, count).map((value) => (value === null ? null : JSON.stringify(value)))
}

interface PointColumns {
  names: string[]
  axes: string[]
  /** A name in a batch: the number of both, from 1. */
  series: { ix: number; name: number }[]
  /** Number and time are those of its event. */
  points: { event: number; series: number; step: number; value: number }[]
}

/** The points of each batch, the last one of each name and step. Everything said twice is a number, counted from 1. */
function pointsOf(inputs: readonly IntakeBatch[]): PointColumns {
  const columns: PointColumns = { names: [], axes: [], series: [], points: [] }
  const known = new Map<string, number>()
  let before = 0
  for (const [index, { batch }] of inputs.entries()) {
    const seriesOf = new Map<string, number>()
    const placesOf = new Map<string, Map<number, number>>()
    // Points are in the order of their events.
    let event = 0
    for (const { seq, name, axis, step, value } of batch.metrics) {
      while ((batch.events[event]?.seq ?? seq) < seq) event++
      const named = `${axis} ${name}`
      let series = seriesOf.get(named)
      if (series === undefined) {
        let number = known.get(named)
        if (number === undefined) {
          number = columns.names.push(name)
          columns.axes.push(axis)
          known.set(named, number)
        }
        series = columns.series.push({ ix: index + 1, name: number })
        seriesOf.set(named, series)
      }
      // One statement cannot write a row twice: the later one wins, also when it counts by the other axis.
      const places = placesOf.get(name) ?? new Map<number, number>()
      placesOf.set(name, places)
      const at = places.get(step) ?? columns.points.length
      places.set(step, at)
      columns.points[at] = { event: before + event + 1, series, step, value }
    }
    before += batch.events.length
  }
  return columns
}
