import type { RawEvent } from './raw-event.ts'

/** A person recognises an event by its beginning. */
const MAX_TEXT_LENGTH = 10_000
const MAX_DEPTH = 20

/** What is kept of an event that cannot be stored as it is: its beginning as text, which can always be stored. */
export function keptBody(body: RawEvent): RawEvent {
  return { seq: body.seq, text: JSON.stringify(cutBelow(MAX_DEPTH, body)).slice(0, MAX_TEXT_LENGTH).toWellFormed() }
}

/** Whatever is nested more deeply becomes "…". */
function cutBelow(depth: number, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((item) => cutBelow(depth - 1, item))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cutBelow(depth - 1, item)]))
}
