import type { MetricPointRow } from './parse-events.ts'
import type { StoreEventsInput } from './store-events.ts'

/**
 * The rows of some batches as the arrays that `storeEvents` unnests, in the order of its parameters. Arrays of numbers and
 * times are written by hand: the driver would quote and escape every element.
 */
export function columnsOf(inputs: readonly StoreEventsInput[]): unknown[] {
  const events = inputs.flatMap(({ batch }, index) => batch.events.map((event) => ({ ix: index + 1, event })))
  const { names, axes, nameIndexes, points } = pointsOf(inputs)
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
    JSON.stringify(events.map(({ event }) => event.body)),
    // Absent for all that follow the last one: unnested side by side, the shorter list is filled up with nulls.
    upToLast(
      events.map(({ event }) => (event.rejected === null ? null : { type: event.type, rejected: event.rejected })),
    ),
    names,
    axes,
    list(points, ({ ix }) => ix),
    list(points, ({ point }) => point.seq),
    JSON.stringify(lines),
    list(points, (_, index) => nameIndexes[index] ?? 0),
    list(points, ({ point }) => point.step),
    list(points, ({ point }) => point.value),
    list(points, ({ point }) => point.time),
  ]
}

/** The array literal of PostgreSQL; only for values that need no quotes in it. */
function list<T>(items: readonly T[], value: (item: T, index: number) => number | string): string {
  return `{${items.map(value).join(',')}}`
}

function upToLast(values: readonly (object | null)[]): (string | null)[] {
  const count = values.findLastIndex((value) => value !== null) + 1
  return values.slice(0, count).map((value) => (value === null ? null : JSON.stringify(value)))
}

/** The points of each batch, the last one of each name and step, and names by number: they are the same few all the time. */
function pointsOf(inputs: readonly StoreEventsInput[]) {
  const known = new Map<string, number>()
  const names: string[] = []
  const axes: string[] = []
  const nameIndexes: number[] = []
  const points: { ix: number; point: MetricPointRow }[] = []
  for (const [index, { batch }] of inputs.entries()) {
    const places = new Map<string, number>()
    for (const point of batch.metrics) {
      const named = `${point.axis} ${point.name}`
      let nameIndex = known.get(named)
      if (nameIndex === undefined) {
        nameIndex = names.push(point.name)
        axes.push(point.axis)
        known.set(named, nameIndex)
      }
      // One statement cannot write a row twice: the later one wins.
      const place = `${point.step} ${point.name}`
      const at = places.get(place) ?? points.length
      places.set(place, at)
      points[at] = { ix: index + 1, point }
      nameIndexes[at] = nameIndex
    }
  }
  return { names, axes, nameIndexes, points }
}
