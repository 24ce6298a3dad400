import { emptyBatch } from '../journal/parse-events.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { type PreparedEvents, prepareEvents, type StoreEventsResult } from './store-events.ts'

export interface IntakeQueueOptions {
  /** Stores batches of different attempts, or one; undefined for those that somebody else holds locked. */
  storeTogether(batches: PreparedEvents): Promise<(StoreEventsResult | undefined)[]>
  /** Stores the one batch, waiting for locks; also the end of an attempt. Undefined when there is no such attempt. */
  storeAlone(batches: PreparedEvents): Promise<StoreEventsResult | undefined>
  /** Statements at the same time. Default: 3. */
  writers?: number
  /** Rows of one statement, about; a larger batch goes whole. Default: 4,000. */
  rowsTogether?: number
  /** Rows of one attempt from which they wait for its locks: to have them skipped costs more. Default: 500. */
  rowsAlone?: number
  /** Rows that may wait; what comes on top is refused with 429. Default: 200,000. */
  maxWaitingRows?: number
  /** How long a batch waits for the one before it, when that may be on another connection. Default: 100. */
  overtakenMs?: number
}

export interface IntakeQueue {
  /** Undefined when there is no such attempt; throws what the database throws. */
  store(input: IntakeBatch): Promise<StoreEventsResult | undefined>
  /** 0: nothing waits; 1: no more is taken. */
  readonly pressure: number
}

/** So much of a statement is there before it is prepared while the one before it is written. */
const AHEAD_SHARE = 0.75

interface Entry {
  input: IntakeBatch
  rows: number
  settle: PromiseWithResolvers<StoreEventsResult | undefined>
  /** Until when it waits for the batch before it; undefined while none is known to be missing. */
  waitsUntil: number | undefined
}

/** What is to be done for one attempt, one thing after the other. */
interface Lane {
  key: string
  entries: Entry[]
  /** Of all entries. */
  rows: number
  /** Taken from the entries, for when the lane is not busy any more. */
  ahead: Turn | undefined
  busy: boolean
  /** The last number that the attempt holds, or will once what is being written is stored; undefined when that is not known. */
  held: number | undefined
  /** Nothing but batches before which one is missing. */
  timer: NodeJS.Timeout | undefined
}

/** A chain of batches of one attempt that are stored as one. */
interface Turn {
  lane: Lane
  run: Entry[]
  input: IntakeBatch
  prepared?: PreparedEvents
}

/**
 * Gathers what comes in while PostgreSQL is writing, and hands it over together: one statement and one commit for the batches of
 * many trainers. An idle queue adds no delay. Batches of one attempt are stored in order, whichever connection they came on.
 */
export function createIntakeQueue(options: IntakeQueueOptions): IntakeQueue {
  const { writers = 3, rowsTogether = 4000, rowsAlone = 500, maxWaitingRows = 200_000, overtakenMs = 100 } = options
  const lanes = new Map<string, Lane>()
  let waitingRows = 0
  let writing = 0

  const settleRun = (lane: Lane, run: readonly Entry[], result: StoreEventsResult | undefined, now: number) => {
    let held = result?.lastSeq ?? 0
    for (const entry of run) {
      if (result !== undefined && isGap(result, entry.input) && (entry.waitsUntil ?? Number.POSITIVE_INFINITY) > now) {
        // What is missing may be on its way.
        entry.waitsUntil ??= now + overtakenMs
        enter(lane, entry)
        continue
      }
      waitingRows -= entry.rows
      entry.settle.resolve(result === undefined ? undefined : { ...result, lastSeq: held })
      if (result?.applied) held = Math.max(held, entry.input.last)
    }
    if (result !== undefined) lane.held = held
    if (result?.applied)
      for (const entry of lane.entries) if (entry.input.first <= held + 1) entry.waitsUntil = undefined
  }
  const failRun = (lane: Lane, run: readonly Entry[], error: unknown) => {
    lane.held = undefined
    for (const entry of run) {
      waitingRows -= entry.rows
      entry.settle.reject(error)
    }
  }

  const release = (lane: Lane) => {
    lane.busy = false
    clearTimeout(lane.timer)
    lane.timer = undefined
    if (lane.ahead !== undefined) return
    if (lane.entries.length === 0) lanes.delete(lane.key)
    else if (lane.entries.every((entry) => entry.waitsUntil !== undefined)) {
      const at = Math.min(...lane.entries.map((entry) => entry.waitsUntil ?? 0))
      // Timers may come a millisecond early, and nothing would ask again.
      lane.timer = setTimeout(work, Math.max(0, at - performance.now()) + 2)
    }
  }

  /** Takes lanes that have something to do, and nobody who does it. */
  const take = (): Turn[] => {
    const taken: Turn[] = []
    const now = performance.now()
    let rows = 0
    for (const lane of lanes.values()) {
      if (lane.busy || rows >= rowsTogether) continue
      // What is prepared is a statement of its own.
      if (lane.ahead !== undefined && taken.length > 0) continue
      const turn = lane.ahead ?? takeTurn(lane, { now, overtakenMs, maxRows: rowsTogether - rows })
      if (turn === undefined) continue
      const isEnd = turn.input.batch.terminal !== undefined
      // An end is a transaction of its own.
      if (isEnd && taken.length > 0) {
        for (const entry of turn.run) enter(lane, entry)
        continue
      }
      lane.busy = true
      if (turn.input.last > 0) lane.held = Math.max(lane.held ?? 0, turn.input.last)
      // Whoever was served goes to the back.
      lanes.delete(lane.key)
      lanes.set(lane.key, lane)
      taken.push(turn)
      if (isEnd || lane.ahead !== undefined) {
        lane.ahead = undefined
        return taken
      }
      rows += rowsOf(turn.run)
    }
    return taken
  }

  /** While one statement is written, what the next one of its lane needs. */
  const prepareAhead = (lane: Lane): void => {
    if (lane.ahead !== undefined || lane.rows < rowsTogether * AHEAD_SHARE) return
    const turn = takeTurn(lane, { now: performance.now(), overtakenMs, maxRows: rowsTogether })
    if (turn === undefined) return
    lane.ahead = turn
    turn.prepared = prepareEvents([turn.input])
  }

  const writeTogether = async (taken: readonly Turn[]) =>
    await options.storeTogether(prepareEvents(taken.map(({ input }) => input)))

  const write = async (taken: readonly Turn[]): Promise<void> => {
    const [first] = taken
    if (first === undefined) return
    const isAlone = taken.length === 1 && (first.input.batch.terminal !== undefined || rowsOf(first.run) >= rowsAlone)
    // One batch that PostgreSQL refuses must not take others with it: then each goes alone.
    const results = isAlone ? [] : await writeTogether(taken).catch(() => [])
    await Promise.all(
      taken.map(async ({ lane, run, input, prepared }, index) => {
        try {
          const result = results[index] ?? (await options.storeAlone(prepared ?? prepareEvents([input])))
          settleRun(lane, run, result, performance.now())
        } catch (error) {
          failRun(lane, run, error)
        } finally {
          release(lane)
        }
      }),
    )
  }

  const work = (): void => {
    while (writing < writers) {
      const taken = take()
      if (taken.length === 0) return
      writing++
      void write(taken).finally(() => {
        writing--
        work()
      })
    }
  }

  return {
    store(input) {
      const rows = 1 + input.batch.events.length + input.batch.metrics.length + input.batch.logs.length
      if (waitingRows + rows > maxWaitingRows) return Promise.reject(new IntakeFull())
      const key = `${input.jobId}/${input.attempt}`
      const lane = lanes.get(key) ?? openLane(key)
      lanes.set(key, lane)
      const entry: Entry = { input, rows, settle: Promise.withResolvers(), waitsUntil: undefined }
      enter(lane, entry)
      waitingRows += rows
      // Whatever arrives in the same turn of the event loop goes together.
      if (lane.busy) prepareAhead(lane)
      else queueMicrotask(work)
      return entry.settle.promise
    },
    get pressure() {
      return waitingRows / maxWaitingRows
    },
  }
}

/** Thrown when too much waits already. */
export class IntakeFull extends Error {}

function openLane(key: string): Lane {
  return { key, entries: [], rows: 0, ahead: undefined, busy: false, held: undefined, timer: undefined }
}

function enter(lane: Lane, entry: Entry): void {
  const place = lane.entries.findLastIndex((other) => other.input.first <= entry.input.first) + 1
  lane.entries.splice(place, 0, entry)
  lane.rows += entry.rows
}

function isGap(result: StoreEventsResult, input: IntakeBatch): boolean {
  const isRefused = result.applied || result.closed || result.channel === 'simple'
  return !isRefused && isBeyond(result.lastSeq, input)
}

/** Whether a batch is missing between what is held and this one. */
function isBeyond(held: number, { first, batch }: IntakeBatch): boolean {
  return batch.events.length > 0 && first > held + 1
}

const rowsOf = (run: readonly Entry[]) => run.reduce((sum, { rows }) => sum + rows, 0)

interface TakeOptions {
  now: number
  overtakenMs: number
  maxRows: number
}

/** The longest chain from the first entry on that may be tried: each begins where the one before it ends, or earlier. */
function takeTurn(lane: Lane, { now, overtakenMs, maxRows }: TakeOptions): Turn | undefined {
  const { held } = lane
  const start = lane.entries.findIndex((entry) => {
    // To have PostgreSQL say that a number is missing costs as much as to have the batch stored.
    if (held !== undefined && isBeyond(held, entry.input)) entry.waitsUntil ??= now + overtakenMs
    return entry.waitsUntil === undefined || entry.waitsUntil <= now
  })
  const first = lane.entries[start]
  if (first === undefined) return undefined
  const run = [first]
  let { rows } = first
  for (const entry of lane.entries.slice(start + 1)) {
    const { input } = entry
    const before = run.at(-1)?.input
    const isPlain = before?.batch.terminal === undefined && input.batch.terminal === undefined
    const follows =
      before !== undefined && before.last > 0 && input.first <= before.last + 1 && input.last >= before.last
    if (!isPlain || !follows || input.channel !== 'journal' || before.channel !== 'journal') break
    if (rows + entry.rows > maxRows) break
    rows += entry.rows
    run.push(entry)
  }
  lane.entries.splice(start, run.length)
  lane.rows -= rowsOf(run)
  return { lane, run, input: merge(run.map(({ input }) => input)) }
}

function merge(inputs: readonly IntakeBatch[]): IntakeBatch {
  const [first] = inputs
  if (first === undefined) throw new Error('nothing to merge')
  if (inputs.length === 1) return first
  const batch = emptyBatch()
  let last = first.first - 1
  for (const input of inputs) {
    // A batch that was sent twice on two connections is stored once.
    const isNew = ({ seq }: { seq: number }) => seq > last
    batch.events.push(...input.batch.events.filter(isNew))
    batch.metrics.push(...input.batch.metrics.filter(isNew))
    batch.logs.push(...input.batch.logs.filter(isNew))
    Object.assign(batch.progress, input.batch.progress)
    Object.assign(batch.latestMetrics, input.batch.latestMetrics)
    last = Math.max(last, input.last)
  }
  return { ...first, last, batch }
}
