import { type Kysely, sql } from 'kysely'
import type { RunnerDatabase } from '../db/schema.ts'
import type { SeriesRef } from './build-blocks.ts'
import type { SeriesPoint } from './read-series.ts'

/** The blocks of a series, in order. */
export interface Blocks {
  length: number
  /** The extremes of a block. */
  at(index: number): SeriesPoint[]
}

/**
 * Eight thousand blocks a million points: they come as they lie in memory, a column of bytes each. PostgreSQL takes twenty times
 * as long to put them together, and rows of text take longer to read than to look at.
 */
export async function readBlocks(db: Kysely<RunnerDatabase>, { jobId, attempt, name }: SeriesRef): Promise<Blocks> {
  const packed = (value: ReturnType<typeof sql>) => sql`coalesce(string_agg(${value}, ''), '')`
  const step = (column: string) => packed(sql`int8send(coalesce(${sql.ref(column)}, -1))`)
  const value = (column: string) => packed(sql`float8send(coalesce(${sql.ref(column)}, 0))`)
  const time = (column: string) => packed(sql`timestamptz_send(coalesce(${sql.ref(column)}, 'epoch'))`)
  const { rows } = await sql<Record<`${'low' | 'high' | 'nan'}${'Step' | 'Value' | 'Time'}`, Buffer>>`
    select ${step('low_step')} as "lowStep", ${value('low_value')} as "lowValue", ${time('low_time')} as "lowTime",
      ${step('high_step')} as "highStep", ${value('high_value')} as "highValue", ${time('high_time')} as "highTime",
      ${step('nan_step')} as "nanStep", ${time('nan_time')} as "nanTime"
    from (
      select * from metric_blocks where job_id = ${jobId} and attempt = ${attempt} and name = ${name} order by to_step
    ) as block`.execute(db)
  const [columns] = rows
  if (columns === undefined) throw new Error('an aggregate has no row')
  const { lowStep, lowValue, lowTime, highStep, highValue, highTime, nanStep, nanTime } = columns
  const add = (points: SeriesPoint[], index: number, steps: Buffer, values: Buffer | undefined, times: Buffer) => {
    const at = index * 8
    const step = readInteger(steps, at)
    // Absent: a block of nothing but NaN has no lowest value, most have no NaN.
    if (step < 0) return
    const value = values === undefined ? Number.NaN : values.readDoubleBE(at)
    points.push({ step, value, time: readInteger(times, at) / 1000 + YEAR_2000_MS })
  }
  return {
    length: lowStep.length / 8,
    at(index) {
      const points: SeriesPoint[] = []
      add(points, index, lowStep, lowValue, lowTime)
      add(points, index, highStep, highValue, highTime)
      add(points, index, nanStep, undefined, nanTime)
      return points
    },
  }
}

/** PostgreSQL counts microseconds from then. */
const YEAR_2000_MS = Date.UTC(2000)

/** Of 64 bits; steps and times are safe integers. */
function readInteger(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}
