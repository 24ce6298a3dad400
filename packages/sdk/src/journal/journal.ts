import { EventsResponse, isTerminalEventType, type TrainerEvent } from '@trainyard/contract'
import {
  type BackoffOptions,
  backoffMs,
  createTokenBucket,
  isRetryableStatus,
  sleep,
} from '@trainyard/datasets/transfer'
import { isWorthWaiting, MAX_TOKENS, type PlatformAnswer, type PlatformApi } from '../http/platform-api.ts'
import type { TokenSource } from '../http/token-source.ts'
import type { CloseReport, JournalOptions, JournalStop } from './journal-options.ts'
import { describeLoss, type Loss } from './loss.ts'
import type { NewEvent } from './new-event.ts'
import { PRIORITY, type Priority, priorityOf } from './priority.ts'
import { EventQueue, type QueuedEvent } from './queue.ts'
import { openSpoolIfPossible } from './spool.ts'
import { type HeldEvent, StepMetrics } from './step-metrics.ts'
import { writeEvent } from './write-event.ts'

/**
 * Delivers events to the platform in order and with exactly-once effect, whatever the network does, and never makes the
 * trainer wait. `append` only writes to memory and to the spool; one sender delivers the events in batches.
 */
export class Journal {
  readonly #api: PlatformApi
  readonly #token: TokenSource
  readonly #attempt: number
  readonly #queue: EventQueue
  readonly #stepMetrics: StepMetrics
  readonly #onStop: (stop: JournalStop) => void
  readonly #onWarning: (message: string) => void
  readonly #batch: { maxEvents: number; maxBytes: number; delayMs: number }
  readonly #backoff: BackoffOptions | undefined
  readonly #requestTimeoutMs: number
  readonly #tokenGraceMs: number
  readonly #now: () => number
  readonly #retries = createTokenBucket({ capacity: 20, perSecond: 1, now: () => performance.now() })
  readonly #lifetime = new AbortController()
  #heartbeatMs: number
  #maxEvents: number
  #failures = 0
  #unauthorised = 0
  #unauthorisedAt = 0
  #isSynced = false
  #isSending = false
  #isAsked = false
  #lastEpoch: number | undefined
  /** Whether an earlier process of this attempt used the same spool. */
  readonly isResumed: boolean
  #stop: JournalStop | undefined
  #terminal: TrainerEvent['type'] | undefined
  /** Whether the journal still accepts events. */
  #isOpen = true
  #wait: AbortController | undefined
  #batchTimer: NodeJS.Timeout | undefined
  #heartbeatTimer: NodeJS.Timeout | undefined
  #watchers = new Set<() => void>()

  constructor(options: JournalOptions) {
    const { api, token, attempt, spoolFile, onStop = () => {}, onWarning = () => {}, batch = {}, limits = {} } = options
    this.#api = api
    this.#token = token
    this.#attempt = attempt
    // An error in a callback must not break the journal.
    this.#onStop = (stop) => ignoreErrors(() => onStop(stop))
    this.#onWarning = (message) => ignoreErrors(() => onWarning(message))
    this.#batch = { maxEvents: 500, maxBytes: 256 * 1024, delayMs: 1000, ...batch }
    this.#maxEvents = this.#batch.maxEvents
    this.#backoff = options.backoff
    this.#heartbeatMs = (options.heartbeatSeconds ?? 15) * 1000
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#now = options.now ?? Date.now
    this.#tokenGraceMs = options.tokenGraceMs ?? 300_000
    const { spool, records } = openSpoolIfPossible(spoolFile, options.fileSystem, (message) => this.#report(message))
    this.isResumed = records.length > 0
    this.#queue = new EventQueue({
      spool,
      records,
      limits: { maxEvents: 50_000, maxBytes: 32 * 1024 * 1024, maxSpoolBytes: 64 * 1024 * 1024, ...limits },
      spoolRetryMs: options.spoolRetryMs,
      onSpoolError: (error) => this.#report(`The journal continues in memory, its spool cannot be written: ${error}`),
      onSpoolRecovered: () => this.#report('The spool of the journal can be written again'),
    })
    this.#stepMetrics = new StepMetrics({ holdMs: options.holdMs ?? 100, write: (held) => this.#writeSteps(held) })
    this.#terminal = this.#findTerminal()
    this.#isOpen = this.#terminal === undefined
    if (this.#queue.length > 0) this.#askToSend()
    this.#armHeartbeat()
  }

  /** The number of events that the platform has not acknowledged yet. */
  get pending(): number {
    return this.#queue.length + this.#stepMetrics.length
  }

  /** The type of the terminal event in the journal, if any; an earlier process of this attempt may have appended it. */
  get terminal(): TrainerEvent['type'] | undefined {
    return this.#terminal
  }

  /** Events that this process dropped so far, by kind. */
  get dropped(): Loss {
    return this.#queue.totalLoss
  }

  /**
   * Adds an event, which the caller must not change afterwards. Synchronous and cheap; never throws. Ignores events after a
   * terminal event.
   */
  append(event: NewEvent): void {
    if (!this.#isOpen) return
    // The path of a fast loop does as little as possible: between two of its steps the caches have lost this code.
    if (event.type === 'progress' && event.step !== undefined && !this.#isNewEpoch(event.epoch)) {
      this.#stepMetrics.add({ event, time: this.#now() })
      return
    }
    const isTerminal = isTerminalEventType(event.type)
    if (isTerminal) this.#reportLoss()
    const isNewEpoch = event.type === 'progress' && this.#isNewEpoch(event.epoch)
    if (isNewEpoch) this.#lastEpoch = event.epoch
    this.#push(event, priorityOf(event, isNewEpoch))
    if (isTerminal) {
      this.#terminal = event.type
      this.#isOpen = false
      this.#queue.sync()
    }
    if (isTerminal || event.type === 'started' || (event.type === 'log' && event.level === 'error')) this.#askToSend()
    else this.#sendSoon()
  }

  #writeSteps(held: readonly HeldEvent[]): void {
    const texts = held.flatMap(({ event, time }) => this.#toJson(event, time))
    this.#queue.pushAll(texts, PRIORITY.stepMetrics)
    this.#sendSoon()
  }

  /** Sends at once when the queue fills a request, otherwise after a delay. */
  #sendSoon(): void {
    if (this.#queue.length >= this.#batch.maxEvents || this.#queue.bytes >= this.#batch.maxBytes) this.#askToSend()
    else this.#sendLater()
  }

  #sendLater(): void {
    if (this.#isSending || this.#batchTimer !== undefined) return
    this.#batchTimer = setTimeout(() => this.#askToSend(), this.#batch.delayMs)
    this.#batchTimer.unref()
  }

  /**
   * Waits until the platform has acknowledged every event appended so far. Returns false when that took longer than `timeoutMs`,
   * or when the platform refuses further events. Keeps the process alive while it waits.
   */
  async flush({ timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    this.#stepMetrics.write()
    const target = this.#queue.lastId
    const isDone = () => this.#queue.firstId > target
    if (isDone()) return true
    this.#askToSend()
    // Tries now instead of after the current backoff.
    this.#wait?.abort()
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
        resolve()
      }
      const check = () => {
        if (isDone() || this.#stop?.kind === 'refused' || this.#lifetime.signal.aborted) finish()
      }
      // Keeps the process alive: this is the only timer here without `unref`.
      const timer = setTimeout(finish, Math.max(0, timeoutMs))
      this.#watchers.add(check)
      check()
    })
    return isDone()
  }

  /** Synchronous: everything appended so far is in the spool, and survives the end of the process. Never throws. */
  flushToDisk(): void {
    this.#stepMetrics.write()
    this.#queue.sync()
  }

  /** Sends what it can within `timeoutMs`, then stops. Always returns in time; events that are left stay in the spool. */
  async close({ timeoutMs }: { timeoutMs: number }): Promise<CloseReport> {
    if (!this.#lifetime.signal.aborted) {
      await this.flush({ timeoutMs })
      this.#lifetime.abort()
      this.#isOpen = false
      clearTimeout(this.#batchTimer)
      clearTimeout(this.#heartbeatTimer)
      this.#notify()
      this.#stepMetrics.write()
      this.#queue.close()
    }
    const unacknowledged = this.#queue.length
    return { delivered: unacknowledged === 0, unacknowledged, dropped: this.dropped, stop: this.#stop }
  }

  #push(event: NewEvent, priority: Priority): void {
    // Step metrics that happened before this event must come before it.
    this.#stepMetrics.write()
    this.#queue.pushAll(this.#toJson(event, this.#now()), priority)
  }

  /** The JSON of an event; an empty array when JSON cannot represent it. */
  #toJson(event: NewEvent, time: number): string[] {
    const json = writeEvent({ time: new Date(time).toISOString(), ...event }, this.#onWarning)
    return json === undefined ? [] : [json]
  }

  /** Reports a trouble of the journal itself, on standard output and to people who watch the job. */
  #report(message: string): void {
    this.#onWarning(message)
    // Later: the queue calls this in the middle of a change.
    queueMicrotask(() => this.append({ type: 'log', level: 'warning', eventType: 'spool', message }))
  }

  #isNewEpoch(epoch: number | undefined): boolean {
    return epoch !== undefined && epoch !== this.#lastEpoch
  }

  #reportLoss(): void {
    // No event may follow a terminal one. The report of `close` contains the loss too.
    if (this.#terminal !== undefined) return
    const loss = this.#queue.takeLoss()
    if (loss === undefined) return
    const message = describeLoss(loss)
    this.#onWarning(message)
    this.#push(
      { type: 'log', level: 'warning', eventType: 'journal-loss', message, data: { ...loss } },
      PRIORITY.neverDropped,
    )
  }

  #findTerminal(): TrainerEvent['type'] | undefined {
    const last = this.#queue.at(this.#queue.length - 1)
    if (last === undefined) return undefined
    const type = (JSON.parse(last.json) as { type: TrainerEvent['type'] }).type
    return isTerminalEventType(type) ? type : undefined
  }

  #askToSend(): void {
    this.#isAsked = true
    clearTimeout(this.#batchTimer)
    this.#batchTimer = undefined
    if (!this.#isSending) void this.#send().catch((error: unknown) => this.#onWarning(`The journal failed: ${error}`))
  }

  /** Sends until the queue is empty; at most one call runs at a time. */
  async #send(): Promise<void> {
    this.#isSending = true
    try {
      // At least one request: with an empty queue it is a heartbeat.
      for (let isFirst = true; this.#isAsked && !this.#isOver(); isFirst = false) {
        this.#isAsked = false
        if (!isFirst && this.#queue.length === 0 && this.#failures === 0) break
        this.#stepMetrics.write()
        const target = this.#queue.lastId
        do {
          // Events appended in the same turn of the event loop share a batch.
          await Promise.resolve()
          await this.#exchange()
          this.#notify()
        } while (!this.#isOver() && this.#queue.length > 0 && (this.#failures > 0 || this.#queue.firstId <= target))
      }
    } finally {
      this.#isSending = false
      if (!this.#isOver()) {
        this.#armHeartbeat()
        if (this.pending > 0) this.#sendLater()
      }
    }
  }

  #isOver(): boolean {
    return this.#lifetime.signal.aborted || this.#stop?.kind === 'refused'
  }

  /** Sends one request, and waits when it failed. */
  async #exchange(): Promise<void> {
    // The first request carries one event: the response shows which events of this attempt the platform already holds.
    const batch = this.#queue.take(this.#isSynced ? this.#maxEvents : 1, this.#batch.maxBytes)
    const events = batch.map((event) => `{"seq":${event.seq},${event.json.slice(1)}`)
    let answer: PlatformAnswer
    try {
      answer = await this.#api.once('POST', '/events', {
        body: `{"attempt":${this.#attempt},"events":[${events.join(',')}]}`,
        mayCompress: true,
        signal: this.#lifetime.signal,
        timeoutMs: this.#requestTimeoutMs,
      })
    } catch (error) {
      if (this.#lifetime.signal.aborted) return
      return this.#fail(undefined, error instanceof Error ? error.message : String(error))
    }
    if (this.#lifetime.signal.aborted) return
    if (answer.status >= 200 && answer.status < 300) return this.#accept(batch, answer)
    return this.#refuse(batch, answer)
  }

  #accept(batch: QueuedEvent[], answer: PlatformAnswer): Promise<void> | void {
    const parsed = EventsResponse.safeParse(answer.json)
    if (!parsed.success) return this.#fail(undefined, 'its response does not follow the contract')
    const { acknowledged, shouldContinue, reason, heartbeatSeconds, rejected, token } = parsed.data
    this.#isSynced = true
    this.#unauthorised = 0
    this.#heartbeatMs = heartbeatSeconds * 1000
    if (token !== undefined) this.#token.adopt(token.value)
    for (const { seq, path, detail } of rejected) {
      this.#onWarning(`The platform rejected event ${seq}: ${path}: ${detail}`)
    }
    if (!shouldContinue) this.#stopBecause({ kind: 'asked', reason: reason ?? 'cancelled' })
    const before = this.#queue.acknowledged
    if (acknowledged > this.#queue.lastSeq) this.#queue.renumberAfter(acknowledged)
    else this.#queue.acknowledge(acknowledged)
    if (batch.length > 0 && this.#queue.acknowledged === before) {
      return this.#fail(undefined, `it acknowledged ${acknowledged}, expected at least ${batch[0]?.seq}`)
    }
    this.#failures = 0
    this.#maxEvents = Math.min(this.#batch.maxEvents, this.#maxEvents * 2)
    this.#reportLoss()
  }

  #refuse(batch: QueuedEvent[], answer: PlatformAnswer): Promise<void> | void {
    const { status, problem } = answer
    const code = problem?.code ?? `http_${status}`
    if (status === 401) {
      if (this.#unauthorised++ === 0) this.#unauthorisedAt = performance.now()
      const isOther = this.#token.replace(answer.sentToken)
      if (isOther && this.#unauthorised <= MAX_TOKENS) return
      const isLate = performance.now() - this.#unauthorisedAt > this.#tokenGraceMs
      if (!isLate && (isOther || isWorthWaiting(answer, this.#token, this.#unauthorised)))
        return this.#fail(answer, code)
      const detail = problem?.detail ?? 'The token was refused, and there is no other token'
      return this.#stopBecause({ kind: 'refused', status, code, detail })
    }
    if (status === 409 && code === 'sequence_gap') return this.#rewind(batch, answer)
    if (isRetryableStatus(status)) return this.#fail(answer, code)
    if (status === 413 || status === 400 || status === 422) return this.#isolate(batch, answer)
    this.#stopBecause({ kind: 'refused', status, code, detail: problem?.detail ?? problem?.title ?? '' })
  }

  /** The platform misses earlier events: continues after the last one that it holds. */
  #rewind(batch: QueuedEvent[], answer: PlatformAnswer): Promise<void> | void {
    const held = answer.problem?.acknowledged
    if (held === undefined || held + 1 === batch[0]?.seq) return this.#fail(answer, 'sequence_gap')
    this.#isSynced = true
    if (held > this.#queue.acknowledged && held <= this.#queue.lastSeq) this.#queue.acknowledge(held)
    else this.#queue.renumberAfter(held)
  }

  /** The request is too large or invalid: halves the batch until the one offending event is found. */
  #isolate(batch: QueuedEvent[], answer: PlatformAnswer): Promise<void> | void {
    const [event] = batch
    if (event === undefined) return this.#fail(answer, `http_${answer.status}`)
    if (batch.length > 1) {
      this.#maxEvents = Math.max(1, Math.floor(batch.length / 2))
      return
    }
    const type = (JSON.parse(event.json) as { type: string }).type
    if (isTerminalEventType(type) || event.sizeBytes < 1024) {
      const detail = answer.problem?.detail ?? ''
      return this.#stopBecause({
        kind: 'refused',
        status: answer.status,
        code: answer.problem?.code ?? 'refused',
        detail,
      })
    }
    const message = `An event of type ${type} and ${event.sizeBytes} bytes was refused by the platform (${answer.status})`
    this.#onWarning(message)
    const time = new Date(this.#now()).toISOString()
    this.#queue.replace(
      event,
      JSON.stringify({ time, type: 'log', level: 'error', eventType: 'event-refused', message }),
    )
  }

  async #fail(answer: PlatformAnswer | undefined, why: string): Promise<void> {
    this.#failures++
    if (this.#failures === 1) this.#onWarning(`The platform did not accept events (${why}); trying again`)
    const jitterMs = backoffMs(this.#failures, this.#backoff)
    const waitMs = Math.max(answer?.retryAfterMs ?? 0, jitterMs, this.#retries.takeMs())
    this.#wait = new AbortController()
    const signal = AbortSignal.any([this.#wait.signal, this.#lifetime.signal])
    await sleep(waitMs, { signal, unref: true }).catch(() => {})
    this.#wait = undefined
    this.#isAsked = true
  }

  #stopBecause(stop: JournalStop): void {
    if (this.#stop?.kind === 'refused' || (this.#stop?.kind === 'asked' && stop.kind === 'asked')) return
    this.#stop = stop
    if (stop.kind === 'refused') {
      this.#isOpen = false
      this.#onWarning(`The platform accepts no more events of this job: ${stop.code} ${stop.detail}`)
      this.#notify()
    }
    this.#onStop(stop)
  }

  #notify(): void {
    for (const check of [...this.#watchers]) check()
  }

  #armHeartbeat(): void {
    clearTimeout(this.#heartbeatTimer)
    // Early enough that the time of a response does not make it late.
    this.#heartbeatTimer = setTimeout(() => this.#askToSend(), this.#heartbeatMs * 0.8)
    this.#heartbeatTimer.unref()
  }
}

function ignoreErrors(work: () => void): void {
  try {
    work()
  } catch {
    // The callback is the only way to report an error.
  }
}
