import { sql } from 'kysely'
import type { SeriesPoint } from './series.ts'

/**
 * Points as they lie in PostgreSQL's memory, a column of bytes for each of step, value and time: rows and arrays of text take longer
 * to write and to read than all the rest. A column of the same place belongs together; step -1 is no point.
 */
export interface PackedPoints {
  steps: Buffer
  values: Buffer
  times: Buffer
}

const packed = (bytes: ReturnType<typeof sql>) => sql`coalesce(string_agg(${bytes}, ''), '')`

/** Aggregates: whoever uses them sorts the rows before. */
export const packSteps = (column: string) => packed(sql`int8send(coalesce(${sql.ref(column)}, -1))`)
export const packValues = (column: string) => packed(sql`float8send(coalesce(${sql.ref(column)}, 'NaN'))`)
export const packTimes = (column: string) => packed(sql`timestamptz_send(coalesce(${sql.ref(column)}, 'epoch'))`)

/** The columns of {@link PackedPoints}, of rows of `metrics`. */
export const packPoints = () =>
  sql`${packSteps('step')} as steps, ${packValues('value')} as values, ${packTimes('time')} as times`

/** PostgreSQL counts microseconds from then. */
const YEAR_2000_MS = Date.UTC(2000)
const BYTES = 8

export function countPacked({ steps }: Pick<PackedPoints, 'steps'>): number {
  return steps.length / BYTES
}

export function pointAt({ steps, values, times }: PackedPoints, index: number): SeriesPoint | undefined {
  const at = index * BYTES
  const step = readInteger(steps, at)
  if (step < 0) return undefined
  return { step, value: values.readDoubleBE(at), time: readInteger(times, at) / 1000 + YEAR_2000_MS }
}

/** Of 64 bits; steps and times are safe integers. */
function readInteger(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}

export function unpackPoints(points: PackedPoints): SeriesPoint[] {
  return Array.from({ length: countPacked(points) }, (_, index) => pointAt(points, index)).filter(
    (point) => point !== undefined,
  )
}
