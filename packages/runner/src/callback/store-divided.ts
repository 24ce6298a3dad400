import type { RejectedEvent } from '@trainyard/contract'
import { kindOfFailure } from '@trainyard/platform'
import { batchOf, type ParsedEvent, refuseEvent } from '../journal/parse-events.ts'
import type { IntakeBatch } from './intake-batch.ts'
import type { StoreEventsResult } from './store-events.ts'

export type StoreBatch = (input: IntakeBatch) => Promise<StoreEventsResult | undefined>

/**
 * Stores a batch of one attempt. When PostgreSQL or this process refuses its data, the guilty events are found by halving and
 * are stored as rejected, which also proves that the database itself works. The others are stored as they are.
 *
 * @throws every error that is not the fault of the data, such as a lost connection: the sender must send the batch again
 */
export async function storeDivided(input: IntakeBatch, store: StoreBatch): Promise<StoreEventsResult | undefined> {
  try {
    return await store(input)
  } catch (error) {
    const { events } = input.batch
    const [event] = events
    if (!isRefusal(error) || event === undefined) throw error
    if (events.length === 1) return await storeRefused(input, event, error, store)
    const middle = Math.ceil(events.length / 2)
    const first = await storeDivided(partOf(input, events.slice(0, middle)), store)
    if (!first?.applied) return first
    const second = await storeDivided(partOf(input, events.slice(middle)), store)
    if (!second?.applied) return second
    return { ...second, lastSeq: first.lastSeq, refused: [...(first.refused ?? []), ...(second.refused ?? [])] }
  }
}

async function storeRefused(
  input: IntakeBatch,
  event: ParsedEvent,
  error: Error,
  store: StoreBatch,
): Promise<StoreEventsResult | undefined> {
  const rejected = { path: '', detail: `cannot be stored: ${error.message.slice(0, 300).toWellFormed()}` }
  const result = await store(partOf(input, [refuseEvent(event, rejected)]))
  if (!result?.applied) return result
  // An event that was rejected before is in the response already.
  const refused: RejectedEvent[] =
    event.rejected === null ? [{ seq: event.seq, code: 'invalid_event', ...rejected }] : []
  return { ...result, refused }
}

function partOf(input: IntakeBatch, events: readonly ParsedEvent[]): IntakeBatch {
  const first = events[0]?.seq ?? input.first
  const last = events.at(-1)?.seq ?? input.last
  return { ...input, first, last, batch: batchOf(events) }
}

/** Class 23, the violation of a constraint, is the fault of the events here: nothing else is written with them. */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const isConstraint = 'severity' in error && 'code' in error && String(error.code).startsWith('23')
  return isConstraint || kindOfFailure(error) === 'data'
}
