import { emptyBatch } from './parse-events.ts'
import type { StoreEventsInput, StoreEventsResult } from './store-events.ts'

export interface IntakeQueueOptions {
  /** Stores batches of different attempts, or one; undefined for those that somebody else holds locked. */
  storeTogether(inputs: readonly StoreEventsInput[]): Promise<(StoreEventsResult | undefined)[]>
  /** Stores one batch, waiting for locks; also the end of an attempt. Undefined when there is no such attempt. */
  storeAlone(input: StoreEventsInput): Promise<StoreEventsResult | undefined>
  /** Statements at the same time. Default: 3. */
  writers?: number
  /** Rows of one statement, about; a larger batch goes whole. Default: 4,000. */
  rowsTogether?: number
  /** Rows that may wait; what comes on top is refused with 429. Default: 200,000. */
  maxWaitingRows?: number
  /** How long a batch waits for the one before it, when that may be on another connection. Default: 100. */
  overtakenMs?: number
}

export interface IntakeQueue {
  /** Undefined when there is no such attempt; throws what the database throws. */
  store(input: StoreEventsInput): Promise<StoreEventsResult | undefined>
  /** 0: nothing waits; 1: no more is taken. */
  readonly pressure: number
}

interface Entry {
  input: StoreEventsInput
  rows: number
  settle: PromiseWithResolvers<StoreEventsResult | undefined>
  /** Until when it waits for the batch before it; undefined while it was not tried. */
  waitsUntil: number | undefined
}

/** What is to be done for one attempt, one thing after the other. */
interface Lane {
  key: string
  entries: Entry[]
  busy: boolean
  /** Tried, and a batch before it is missing. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Gathers what comes in while PostgreSQL is writing, and hands it over together: one statement and one commit for the batches of
 * many trainers. An idle queue adds no delay. Batches of one attempt are stored in order, whichever connection they came on.
 */
export function createIntakeQueue(options: IntakeQueueOptions): IntakeQueue {
  const { writers = 3, rowsTogether = 4000, maxWaitingRows = 200_000, overtakenMs = 100 } = options
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
    if (result?.applied)
      for (const entry of lane.entries) if (entry.input.first <= held + 1) entry.waitsUntil = undefined
  }
  const failRun = (run: readonly Entry[], error: unknown) => {
    for (const entry of run) {
      waitingRows -= entry.rows
      entry.settle.reject(error)
    }
  }

  const release = (lane: Lane) => {
    lane.busy = false
    clearTimeout(lane.timer)
    lane.timer = undefined
    if (lane.entries.length === 0) lanes.delete(lane.key)
    else if (lane.entries.every((entry) => entry.waitsUntil !== undefined)) {
      const at = Math.min(...lane.entries.map((entry) => entry.waitsUntil ?? 0))
      // Timers may come a millisecond early, and nothing would ask again.
      lane.timer = setTimeout(work, Math.max(0, at - performance.now()) + 2)
    }
  }

  /** Takes lanes that have something to do, and nobody who does it. */
  const take = (): { lane: Lane; run: Entry[] }[] => {
    const taken: { lane: Lane; run: Entry[] }[] = []
    const now = performance.now()
    let rows = 0
    for (const lane of lanes.values()) {
      if (lane.busy || rows >= rowsTogether) continue
      const run = takeRun(lane, now, rowsTogether - rows)
      if (run.length === 0) continue
      const isEnd = run[0]?.input.batch.terminal !== undefined
      // An end is a transaction of its own.
      if (isEnd && taken.length > 0) {
        for (const entry of run) enter(lane, entry)
        continue
      }
      lane.busy = true
      // Whoever was served goes to the back.
      lanes.delete(lane.key)
      lanes.set(lane.key, lane)
      taken.push({ lane, run })
      if (isEnd) return taken
      rows += run.reduce((sum, entry) => sum + entry.rows, 0)
    }
    return taken
  }

  const write = async (taken: { lane: Lane; run: Entry[] }[]): Promise<void> => {
    const inputs = taken.map(({ run }) => merge(run.map(({ input }) => input)))
    const [only] = inputs
    let results: (StoreEventsResult | undefined)[] = []
    if (only !== undefined && only.batch.terminal === undefined) {
      // One batch that PostgreSQL refuses must not take others with it: then each goes alone.
      results = await options.storeTogether(inputs).catch(() => [])
    }
    await Promise.all(
      taken.map(async ({ lane, run }, index) => {
        try {
          const input = inputs[index]
          const result = results[index] ?? (input === undefined ? undefined : await options.storeAlone(input))
          settleRun(lane, run, result, performance.now())
        } catch (error) {
          failRun(run, error)
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
      const lane = lanes.get(key) ?? { key, entries: [], busy: false, timer: undefined }
      lanes.set(key, lane)
      const entry: Entry = { input, rows, settle: Promise.withResolvers(), waitsUntil: undefined }
      enter(lane, entry)
      waitingRows += rows
      // Whatever arrives in the same turn of the event loop goes together.
      if (!lane.busy) queueMicrotask(work)
      return entry.settle.promise
    },
    get pressure() {
      return waitingRows / maxWaitingRows
    },
  }
}

/** Thrown when too much waits already. */
export class IntakeFull extends Error {}

function enter(lane: Lane, entry: Entry): void {
  const place = lane.entries.findLastIndex((other) => other.input.first <= entry.input.first) + 1
  lane.entries.splice(place, 0, entry)
}

function isGap(result: StoreEventsResult, { first, batch }: StoreEventsInput): boolean {
  const isRefused = result.applied || result.closed || result.channel === 'simple'
  return !isRefused && batch.events.length > 0 && first > result.lastSeq + 1
}

/** The longest chain from the first entry on that may be tried: each begins where the one before it ends, or earlier. */
function takeRun(lane: Lane, now: number, maxRows: number): Entry[] {
  const start = lane.entries.findIndex((entry) => entry.waitsUntil === undefined || entry.waitsUntil <= now)
  const first = lane.entries[start]
  if (first === undefined) return []
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
  return run
}

function merge(inputs: readonly StoreEventsInput[]): StoreEventsInput {
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
