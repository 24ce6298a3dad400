import { sql } from 'kysely'
import type { SeriesPoint } from './series.ts'

/**
 * Points in the binary format of PostgreSQL: the bytes of all steps, of all values and of all times. Transferring rows or arrays
 * of text would take longer than everything else. Elements with the same index belong together; step -1 stands for no point.
 */
export interface PackedPoints {
  steps: Buffer
  values: Buffer
  times: Buffer
}

const packed = (bytes: ReturnType<typeof sql>) => sql`coalesce(string_agg(${bytes}, ''), '')`

/** Aggregates. The query must sort the rows. */
export const packSteps = (column: string) => packed(sql`int8send(coalesce(${sql.ref(column)}, -1))`)
export const packValues = (column: string) => packed(sql`float8send(coalesce(${sql.ref(column)}, 'NaN'))`)
export const packTimes = (column: string) => packed(sql`timestamptz_send(coalesce(${sql.ref(column)}, 'epoch'))`)

/** The columns of {@link PackedPoints} from rows of `metrics`. */
export const packPoints = () =>
  sql`${packSteps('step')} as steps, ${packValues('value')} as values, ${packTimes('time')} as times`

/** PostgreSQL counts time in microseconds since then. */
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

/** Reads 64 bits. Steps and times are safe integers. */
function readInteger(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}

export function unpackPoints(points: PackedPoints): SeriesPoint[] {
  return Array.from({ length: countPacked(points) }, (_, index) => pointAt(points, index)).filter(
    (point) => point !== undefined,
  )
}
