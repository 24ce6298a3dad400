import { type IntakeBatch, mergeBatches } from './intake-batch.ts'
import type { PreparedEvents, StoreEventsResult } from './store-events.ts'

/** A batch that waits to be stored. */
export interface WaitingBatch {
  input: IntakeBatch
  rows: number
  settle: PromiseWithResolvers<StoreEventsResult | undefined>
  /** Until when it waits for missing events before it. Undefined while none are known to be missing. */
  waitsUntil: number | undefined
}

/** Consecutive batches of one attempt, merged so that they are stored as one. */
export interface Turn {
  lane: IntakeLane
  run: WaitingBatch[]
  input: IntakeBatch
  prepared?: PreparedEvents | undefined
}

export interface TakeTurnOptions {
  now: number
  /** How long a batch waits for missing events before it. */
  overtakenMs: number
  maxRows: number
}

/** The waiting batches of one attempt, which are stored one turn after the other. */
export class IntakeLane {
  readonly key: string
  /** In the order of their first sequence numbers. */
  readonly waiting: WaitingBatch[] = []
  /** Sum of the rows of all waiting batches. */
  rows = 0
  /** The next turn, prepared while the lane is busy. */
  ahead: Turn | undefined
  /** Whether a turn of this lane is being stored. */
  busy = false
  /** The last sequence number that is stored once the current turn is. Undefined when not known. */
  held: number | undefined
  /** Set while the lane only waits for missing events. */
  timer: NodeJS.Timeout | undefined

  constructor(key: string) {
    this.key = key
  }

  add(batch: WaitingBatch): void {
    const index = this.waiting.findLastIndex((other) => other.input.first <= batch.input.first) + 1
    this.waiting.splice(index, 0, batch)
    this.rows += batch.rows
  }

  /** Removes the longest run of consecutive batches that can be stored now. */
  takeTurn({ now, overtakenMs, maxRows }: TakeTurnOptions): Turn | undefined {
    const { held } = this
    const start = this.waiting.findIndex((batch) => {
      // Asking PostgreSQL whether a number is missing costs as much as storing the batch.
      if (held !== undefined && startsAfterGap(batch.input, held)) batch.waitsUntil ??= now + overtakenMs
      return batch.waitsUntil === undefined || batch.waitsUntil <= now
    })
    const first = this.waiting[start]
    if (first === undefined) return undefined
    const run = [first]
    let { rows } = first
    for (const next of this.waiting.slice(start + 1)) {
      const before = run.at(-1)
      if (before === undefined || !canFollow(before.input, next.input) || rows + next.rows > maxRows) break
      rows += next.rows
      run.push(next)
    }
    this.waiting.splice(start, run.length)
    this.rows -= rows
    return { lane: this, run, input: mergeBatches(run.map(({ input }) => input)) }
  }

  /** Ends the wait of batches whose missing events have been stored. */
  noteHeld(held: number): void {
    this.held = held
    for (const batch of this.waiting) if (batch.input.first <= held + 1) batch.waitsUntil = undefined
  }

  /** The earliest end of a wait, when every batch of the lane waits for missing events. */
  waitsUntil(): number | undefined {
    if (!this.waiting.every(({ waitsUntil }) => waitsUntil !== undefined)) return undefined
    return Math.min(...this.waiting.map(({ waitsUntil }) => waitsUntil ?? 0))
  }
}

/** Whether events are missing between the last one that is stored and a batch. */
export function startsAfterGap({ first, batch }: IntakeBatch, held: number): boolean {
  return batch.events.length > 0 && first > held + 1
}

function canFollow(before: IntakeBatch, next: IntakeBatch): boolean {
  const areOpen = before.batch.terminal === undefined && next.batch.terminal === undefined
  const areJournal = before.channel === 'journal' && next.channel === 'journal'
  return areOpen && areJournal && before.last > 0 && next.first <= before.last + 1 && next.last >= before.last
}
