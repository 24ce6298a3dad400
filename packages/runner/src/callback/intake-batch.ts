import type { AttemptChannel } from '../db/schema/attempts.ts'
import { emptyBatch, type ParsedBatch } from '../journal/parse-events.ts'

/** Parsed events of one attempt, to be stored. */
export interface IntakeBatch {
  jobId: number
  attempt: number
  channel: AttemptChannel
  /** First and last sequence number; 0 for a heartbeat. */
  first: number
  last: number
  batch: ParsedBatch
}

/** Merges batches of one attempt, in the order of their events. An event that is in several of them is kept once. */
export function mergeBatches(batches: readonly IntakeBatch[]): IntakeBatch {
  const [first] = batches
  if (first === undefined) throw new Error('expected at least 1 batch, got 0')
  if (batches.length === 1) return first
  const merged = emptyBatch()
  let last = first.first - 1
  for (const { batch, ...rest } of batches) {
    const isNew = ({ seq }: { seq: number }) => seq > last
    merged.events.push(...batch.events.filter(isNew))
    merged.metrics.push(...batch.metrics.filter(isNew))
    merged.logs.push(...batch.logs.filter(isNew))
    Object.assign(merged.progress, batch.progress)
    Object.assign(merged.latestMetrics, batch.latestMetrics)
    last = Math.max(last, rest.last)
  }
  return { ...first, last, batch: merged }
}
