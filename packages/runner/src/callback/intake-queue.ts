import { DEFAULT_RUNNER_LIMITS } from '../config.ts'
import { IntakeFull } from '../errors.ts'
import type { IntakeBatch } from './intake-batch.ts'
import { IntakeLane, startsAfterGap, type Turn, type WaitingBatch } from './intake-lane.ts'
import { leaveOutNames } from './leave-out-names.ts'
import { type StoreBatch, storeDivided } from './store-divided.ts'
import { type PreparedEvents, prepareEvents, type StoreEventsResult } from './store-events.ts'

export interface IntakeQueueOptions {
  /** Stores batches of different attempts. The result is undefined for an attempt that is locked elsewhere. */
  storeTogether(batches: PreparedEvents): Promise<(StoreEventsResult | undefined)[]>
  /** Stores one batch and waits for locks. Can end the attempt. The result is undefined when the attempt does not exist. */
  storeAlone(batches: PreparedEvents): Promise<StoreEventsResult | undefined>
  /** Names of metrics that a job can have. Default: 10,000. */
  maxMetricNames?: number | undefined
  /** Concurrent statements. Default: 3. */
  writers?: number | undefined
  /** Approximate rows in one statement; a larger batch is not divided. Default: 4,000. */
  rowsTogether?: number | undefined
  /** Rows of one attempt from which its batch waits for locks, because skipping it wastes more. Default: 500. */
  rowsAlone?: number | undefined
  /** Rows that can wait. More are rejected with {@link IntakeFull}. Default: 200,000. */
  maxWaitingRows?: number | undefined
  /** How long a batch waits for an earlier one that may arrive on another connection. Default: 100. */
  overtakenMs?: number | undefined
}

/** Share of the rows of a statement that must wait before the next statement is prepared in advance. */
const AHEAD_SHARE = 0.75

/**
 * Collects batches while PostgreSQL is writing and stores them together, so that the batches of many trainers share one
 * statement and one commit. An idle queue adds no delay. Batches of one attempt are stored in order, on whatever connection
 * they arrive.
 */
export class IntakeQueue {
  readonly #options: Required<{ [K in keyof IntakeQueueOptions]: NonNullable<IntakeQueueOptions[K]> }>
  /** In the order in which they are served. */
  readonly #lanes = new Map<string, IntakeLane>()
  #waitingRows = 0
  #writing = 0

  constructor({
    writers = 3,
    rowsTogether = 4000,
    rowsAlone = 500,
    maxWaitingRows = 200_000,
    overtakenMs = 100,
    maxMetricNames = DEFAULT_RUNNER_LIMITS.maxMetricNames,
    ...store
  }: IntakeQueueOptions) {
    this.#options = { ...store, writers, rowsTogether, rowsAlone, maxWaitingRows, overtakenMs, maxMetricNames }
  }

  /** Undefined when the attempt does not exist. Throws what the database throws. */
  store(input: IntakeBatch): Promise<StoreEventsResult | undefined> {
    const rows = 1 + input.batch.events.length + input.batch.metrics.length + input.batch.logs.length
    if (this.#waitingRows + rows > this.#options.maxWaitingRows) return Promise.reject(new IntakeFull())
    const key = `${input.jobId}/${input.attempt}`
    const lane = this.#lanes.get(key) ?? new IntakeLane(key)
    this.#lanes.set(key, lane)
    const batch: WaitingBatch = { input, rows, settle: Promise.withResolvers(), waitsUntil: undefined }
    lane.add(batch)
    this.#waitingRows += rows
    // Batches that arrive in the same turn of the event loop share a statement.
    if (lane.busy) this.#prepareAhead(lane)
    else queueMicrotask(() => this.#work())
    return batch.settle.promise
  }

  /** From 0, nothing waits, to 1, the queue is full. */
  get pressure(): number {
    return this.#waitingRows / this.#options.maxWaitingRows
  }

  #work(): void {
    while (this.#writing < this.#options.writers) {
      const turns = this.#takeTurns()
      if (turns.length === 0) return
      this.#writing++
      void this.#write(turns).finally(() => {
        this.#writing--
        this.#work()
      })
    }
  }

  /** Takes the turns of the next statement, each of another lane that is not busy. */
  #takeTurns(): Turn[] {
    const { rowsTogether, overtakenMs } = this.#options
    const turns: Turn[] = []
    const now = performance.now()
    let rows = 0
    for (const lane of this.#lanes.values()) {
      if (lane.busy || rows >= rowsTogether) continue
      // A prepared turn is a statement of its own.
      if (lane.ahead !== undefined && turns.length > 0) continue
      const turn = lane.ahead ?? lane.takeTurn({ now, overtakenMs, maxRows: rowsTogether - rows })
      if (turn === undefined) continue
      // The end of an attempt is a transaction of its own.
      const isEnd = turn.input.batch.terminal !== undefined
      if (isEnd && turns.length > 0) {
        for (const batch of turn.run) lane.add(batch)
        continue
      }
      const isAlone = isEnd || lane.ahead !== undefined
      this.#begin(turn)
      turns.push(turn)
      if (isAlone) return turns
      rows += rowsOf(turn.run)
    }
    return turns
  }

  #begin({ lane, input }: Turn): void {
    lane.busy = true
    lane.ahead = undefined
    if (input.last > 0) lane.held = Math.max(lane.held ?? 0, input.last)
    // A lane that has been served moves to the end.
    this.#lanes.delete(lane.key)
    this.#lanes.set(lane.key, lane)
  }

  /** Prepares the next turn of a busy lane, while PostgreSQL writes the current one. */
  #prepareAhead(lane: IntakeLane): void {
    const { rowsTogether, overtakenMs } = this.#options
    if (lane.ahead !== undefined || lane.rows < rowsTogether * AHEAD_SHARE) return
    const turn = lane.takeTurn({ now: performance.now(), overtakenMs, maxRows: rowsTogether })
    if (turn === undefined) return
    lane.ahead = turn
    try {
      turn.prepared = prepareEvents([turn.input])
    } catch {
      // Prepared again, and divided, when it is the lane's turn.
    }
  }

  async #write(turns: readonly Turn[]): Promise<void> {
    const [first] = turns
    if (first === undefined) return
    const { rowsAlone, storeAlone } = this.#options
    const isAlone = turns.length === 1 && (first.input.batch.terminal !== undefined || rowsOf(first.run) >= rowsAlone)
    const results = isAlone ? [] : await this.#storeTogether(turns)
    await Promise.all(
      turns.map(async (turn, index) => {
        try {
          const store = async (input: IntakeBatch) =>
            await storeAlone((input === turn.input ? turn.prepared : undefined) ?? prepareEvents([input]))
          const stored = results[index]
          const isStored = stored !== undefined && !stored.excess
          const result = isStored
            ? stored
            : await storeDivided(turn.input, (part) =>
                this.#storeFitting(part, store, part === turn.input ? stored : undefined),
              )
          this.#settle(turn, result)
        } catch (error) {
          this.#fail(turn, error)
        } finally {
          this.#release(turn.lane)
        }
      }),
    )
  }

  /** Leaves out the metrics with names that exceed what the job can have, which `known` has found already. */
  async #storeFitting(
    input: IntakeBatch,
    store: StoreBatch,
    known?: StoreEventsResult,
  ): Promise<StoreEventsResult | undefined> {
    const result = known ?? (await store(input))
    if (!result?.excess) return result
    const { fitting, refused } = leaveOutNames(input, { ...result.excess, limit: this.#options.maxMetricNames })
    const fittingResult = await store(fitting)
    return fittingResult && { ...fittingResult, refused }
  }

  /** Empty when PostgreSQL rejects a batch: each is then stored alone, so that the others are not lost with it. */
  async #storeTogether(turns: readonly Turn[]): Promise<(StoreEventsResult | undefined)[]> {
    try {
      return await this.#options.storeTogether(prepareEvents(turns.map(({ input }) => input)))
    } catch {
      return []
    }
  }

  #settle({ lane, run }: Turn, result: StoreEventsResult | undefined): void {
    const now = performance.now()
    let held = result?.lastSeq ?? 0
    for (const batch of run) {
      if (result !== undefined && isGap(result, batch.input) && (batch.waitsUntil ?? Number.POSITIVE_INFINITY) > now) {
        // The missing events may be on their way.
        batch.waitsUntil ??= now + this.#options.overtakenMs
        lane.add(batch)
        continue
      }
      this.#waitingRows -= batch.rows
      batch.settle.resolve(result === undefined ? undefined : { ...result, ...ofBatch(result, batch), lastSeq: held })
      if (result?.applied) held = Math.max(held, batch.input.last)
    }
    if (result?.applied) lane.noteHeld(held)
    else if (result !== undefined) lane.held = held
  }

  #fail({ lane, run }: Turn, error: unknown): void {
    lane.held = undefined
    for (const batch of run) {
      this.#waitingRows -= batch.rows
      batch.settle.reject(error)
    }
  }

  #release(lane: IntakeLane): void {
    lane.busy = false
    clearTimeout(lane.timer)
    lane.timer = undefined
    if (lane.ahead !== undefined) return
    if (lane.waiting.length === 0) {
      this.#lanes.delete(lane.key)
      return
    }
    const until = lane.waitsUntil()
    // Timers can fire a millisecond early, and no other event would start the work again.
    if (until !== undefined) lane.timer = setTimeout(() => this.#work(), Math.max(0, until - performance.now()) + 2)
  }
}

/** What a result of a run reports about one of its batches. */
function ofBatch({ refused }: StoreEventsResult, { input }: WaitingBatch): Pick<StoreEventsResult, 'refused'> {
  return { refused: refused?.filter(({ seq }) => seq >= input.first && seq <= input.last) }
}

function isGap(result: StoreEventsResult, input: IntakeBatch): boolean {
  const isRefused = result.applied || result.closed || result.channel === 'simple'
  return !isRefused && startsAfterGap(input, result.lastSeq)
}

const rowsOf = (run: readonly WaitingBatch[]) => run.reduce((sum, { rows }) => sum + rows, 0)
