import { countLoss, createLoss, isEmpty, type Loss } from './loss.ts'
import { DROP_ORDER, isLastResort, PRIORITY, type Priority } from './priority.ts'
import type { Spool, SpoolRecord } from './spool.ts'

export interface QueuedEvent {
  id: number
  /** The sequence number; 0 until the event is first sent. */
  seq: number
  /** The JSON of the event without its sequence number. */
  json: string
  sizeBytes: number
  priority: Priority
  /** Whether an earlier process of this attempt appended it. */
  isReplayed: boolean
}

export interface QueueLimits {
  maxEvents: number
  maxBytes: number
  maxSpoolBytes: number
}

export interface EventQueueOptions {
  /** Keeps the queue across a crash. Undefined: memory only. */
  spool: Spool | undefined
  /** The records that an earlier process left in the spool. */
  records: readonly SpoolRecord[]
  limits: QueueLimits
  /** Called once when the spool cannot be written. */
  onSpoolError: (error: unknown) => void
  /** Called once when the spool can be written again. */
  onSpoolRecovered: () => void
  /** Interval between tries to write a spool after an error, in milliseconds. Default 5,000. */
  spoolRetryMs?: number | undefined
}

const COMPACT_FROM_BYTES = 1024 * 1024

/** Room for `"seq":9007199254740991,` and a comma. */
const SEQ_BYTES = 24

/** The events that the platform has not acknowledged yet, in order, in memory and on disk. */
export class EventQueue {
  #events: QueuedEvent[] = []
  #bytes = 0
  #nextId = 1
  #nextSeq = 1
  #acknowledged = 0
  /** The number of events without a sequence number, by priority: only these can be dropped. */
  #droppable: Record<Priority, number> = { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 }
  readonly #spool: Spool | undefined
  readonly #limits: QueueLimits
  readonly #options: EventQueueOptions
  #isReplaying = true
  #isClosed = false
  /** When to retry the spool after an error; undefined while it works. */
  #retryAt: number | undefined
  #compactAt = COMPACT_FROM_BYTES
  #loss = createLoss()
  readonly #totalLoss = createLoss()

  constructor(options: EventQueueOptions) {
    this.#options = options
    this.#limits = options.limits
    for (const record of options.records) this.#apply(record)
    this.#isReplaying = false
    this.#spool = options.spool
  }

  get length(): number {
    return this.#events.length
  }
  get bytes(): number {
    return this.#bytes
  }
  /** The highest sequence number given so far. */
  get lastSeq(): number {
    return this.#nextSeq - 1
  }
  get lastId(): number {
    return this.#nextId - 1
  }
  get acknowledged(): number {
    return this.#acknowledged
  }
  /** Id of the oldest unacknowledged event. */
  get firstId(): number {
    return this.#events[0]?.id ?? this.#nextId
  }
  at(index: number): QueuedEvent | undefined {
    return this.#events[index]
  }
  toArray(): readonly QueuedEvent[] {
    return this.#events
  }

  /** Adds an event; makes room for it if necessary. Returns false when the event itself was dropped. */
  push(json: string, priority: Priority): boolean {
    return this.pushAll([json], priority)
  }

  /** Adds events with one write to disk. Returns false when some of them were dropped. */
  pushAll(texts: readonly string[], priority: Priority): boolean {
    const { maxEvents, maxBytes } = this.#limits
    let added: SpoolRecord[] = []
    let bytes = 0
    const add = () => {
      this.#write(...added)
      for (const record of added) this.#apply(record)
      added = []
      bytes = 0
    }
    let isWhole = true
    for (const json of texts) {
      if (this.#events.length + added.length >= maxEvents || this.#bytes + bytes >= maxBytes) {
        // Only events that were added can be dropped.
        add()
        if (!this.#makeRoom(priority)) {
          this.#countLoss(priority)
          isWhole = false
          continue
        }
      }
      added.push({ op: 'event', id: this.#nextId + added.length, json, priority })
      bytes += json.length
    }
    add()
    return isWhole
  }

  /** Returns the next events to send, at least one, within the limits. Gives a sequence number to those without. */
  take(maxEvents: number, maxBytes: number): QueuedEvent[] {
    const batch: QueuedEvent[] = []
    let bytes = 0
    let unnumbered = 0
    for (const event of this.#events) {
      if (batch.length > 0 && (batch.length >= maxEvents || bytes + event.sizeBytes > maxBytes)) break
      if (event.seq === 0) unnumbered++
      batch.push(event)
      bytes += event.sizeBytes
    }
    if (unnumbered > 0) {
      // Written to disk before it is sent: a replay after a crash sends the same event with the same number.
      const record: SpoolRecord = { op: 'number', first: this.#nextSeq, count: unnumbered }
      this.#write(record)
      this.#apply(record)
    }
    return batch
  }

  acknowledge(seq: number): void {
    if (seq <= this.#acknowledged) return
    const record: SpoolRecord = { op: 'acknowledge', seq }
    this.#write(record)
    this.#apply(record)
    this.#compactIfLarge()
  }

  /**
   * Continues after the number that the platform holds, when it is not the expected one: the spool or the platform's data was
   * lost. Removes events of an earlier process with numbers up to `seq`: then only the end of the spool was lost, and the
   * platform holds them.
   */
  renumberAfter(seq: number): void {
    for (const event of this.#events) {
      if (!event.isReplayed || event.seq !== 0) continue
      // The end of the spool may contain its number: the earlier process gave numbers in the same order.
      event.seq = this.#nextSeq++
      this.#droppable[event.priority]--
    }
    this.#events = this.#events.filter((event) => {
      const isHeld = event.isReplayed && event.seq !== 0 && event.seq <= seq
      if (isHeld) this.#bytes -= event.sizeBytes
      return !isHeld
    })
    for (const event of this.#events) {
      if (event.seq !== 0) this.#droppable[event.priority]++
      event.seq = 0
      event.isReplayed = false
    }
    this.#acknowledged = seq
    this.#nextSeq = seq + 1
    this.#rewrite()
  }

  /** Replaces an event that the platform cannot accept, under the same number. */
  replace(event: QueuedEvent, json: string): void {
    this.#bytes -= event.sizeBytes
    event.json = json
    event.sizeBytes = Buffer.byteLength(json) + SEQ_BYTES
    this.#bytes += event.sizeBytes
    this.#rewrite()
  }

  /** The events dropped since the last call; undefined when there were none. */
  takeLoss(): Loss | undefined {
    const loss = this.#loss
    if (isEmpty(loss)) return undefined
    this.#write({ op: 'reported' })
    this.#loss = createLoss()
    return loss
  }

  /** All events that this process dropped. */
  get totalLoss(): Loss {
    return { ...this.#totalLoss }
  }

  /** Flushes the spool to disk. */
  sync(): void {
    if (this.#isClosed) return
    if (this.#retryAt !== undefined) {
      // Also flushes it. The process may end before the next try.
      this.#rewrite()
      return
    }
    try {
      this.#spool?.sync()
    } catch (error) {
      this.#onSpoolError(error)
    }
  }

  close(): void {
    if (this.#isClosed) return
    // One last try, in case a full disk has space again.
    if (this.#retryAt !== undefined && this.#events.length > 0) this.#rewrite()
    this.#isClosed = true
    try {
      this.#spool?.close()
    } catch (error) {
      this.#options.onSpoolError(error)
    }
  }

  /**
   * Drops a tenth of the queue, the least important events first. Returns false when no event is less important than the
   * incoming one, which must then be dropped.
   */
  #makeRoom(incoming: Priority): boolean {
    const { maxEvents, maxBytes, maxSpoolBytes } = this.#limits
    const lastBytes = Math.max(maxBytes, maxSpoolBytes)
    const isLast = this.#bytes >= lastBytes
    const tenthOf = (limit: number) => Math.max(1, Math.floor(limit / 10))
    let events = this.#events.length >= maxEvents ? tenthOf(maxEvents) : 0
    let bytes = this.#bytes >= maxBytes ? tenthOf(maxBytes) : 0
    const ids: number[] = []
    for (const priority of DROP_ORDER) {
      if (isLastResort(priority)) {
        if (!isLast) break
        // Results are dropped for memory only, not for the number of events.
        events = 0
      }
      if (this.#droppable[priority] > 0) {
        for (const event of this.#events) {
          if (events <= 0 && bytes <= 0) break
          // An event with a number may be in flight: removing it would leave a gap.
          if (event.seq !== 0 || event.priority !== priority) continue
          ids.push(event.id)
          events--
          bytes -= event.sizeBytes
        }
      }
      if (priority === incoming) break
    }
    if (ids.length === 0) return incoming === PRIORITY.neverDropped || (isLastResort(incoming) && !isLast)
    const record: SpoolRecord = { op: 'drop', ids }
    this.#write(record)
    this.#apply(record)
    this.#compactIfLarge()
    return true
  }

  #countLoss(priority: Priority): void {
    countLoss(this.#loss, priority)
    if (!this.#isReplaying) countLoss(this.#totalLoss, priority)
  }

  #apply(record: SpoolRecord): void {
    switch (record.op) {
      case 'event': {
        const priority = record.priority as Priority
        const sizeBytes = Buffer.byteLength(record.json) + SEQ_BYTES
        this.#events.push({
          id: record.id,
          seq: 0,
          json: record.json,
          sizeBytes,
          priority,
          isReplayed: this.#isReplaying,
        })
        this.#bytes += sizeBytes
        this.#nextId = record.id + 1
        this.#droppable[priority]++
        return
      }
      case 'number': {
        let left = record.count
        this.#nextSeq = record.first
        for (const event of this.#events) {
          if (left === 0) break
          if (event.seq !== 0) continue
          event.seq = this.#nextSeq++
          this.#droppable[event.priority]--
          left--
        }
        return
      }
      case 'drop': {
        const ids = new Set(record.ids)
        this.#events = this.#events.filter((event) => {
          if (!ids.has(event.id)) return true
          this.#bytes -= event.sizeBytes
          this.#droppable[event.priority]--
          this.#countLoss(event.priority)
          return false
        })
        return
      }
      case 'reported':
        this.#loss = createLoss()
        return
      case 'acknowledge': {
        let count = 0
        for (const event of this.#events) {
          if (event.seq === 0 || event.seq > record.seq) break
          this.#bytes -= event.sizeBytes
          count++
        }
        this.#events.splice(0, count)
        this.#acknowledged = Math.max(this.#acknowledged, record.seq)
        this.#nextSeq = Math.max(this.#nextSeq, record.seq + 1)
        return
      }
      case 'base':
        this.#nextSeq = record.nextSeq
        this.#acknowledged = record.nextSeq - 1
        this.#loss = { ...createLoss(), ...record.loss }
        return
    }
  }

  /** Rewrites a spool that consists mostly of acknowledged events. Without the disk space to do so it keeps growing. */
  #compactIfLarge(): void {
    const size = this.#spool?.sizeBytes() ?? 0
    if (size < this.#compactAt || size < this.#bytes * 2 || this.#isClosed || this.#retryAt !== undefined) return
    try {
      this.#spool?.rewrite(this.#snapshot())
      this.#compactAt = Math.min(
        Math.max(COMPACT_FROM_BYTES, this.#bytes * 4),
        Math.max(this.#limits.maxSpoolBytes, this.#bytes * 2),
      )
    } catch {
      this.#compactAt = size * 2
    }
  }

  *#snapshot(): Generator<SpoolRecord> {
    const numbered = this.#events.filter((event) => event.seq !== 0)
    const loss = isEmpty(this.#loss) ? undefined : { ...this.#loss }
    yield { op: 'base', nextSeq: this.#nextSeq - numbered.length, loss }
    for (const { id, json, priority } of numbered) yield { op: 'event', id, json, priority }
    const first = numbered[0]
    if (first !== undefined) yield { op: 'number', first: first.seq, count: numbered.length }
    for (const { id, json, priority, seq } of this.#events) if (seq === 0) yield { op: 'event', id, json, priority }
  }

  #write(...records: SpoolRecord[]): void {
    if (this.#spool === undefined || this.#isClosed || records.length === 0) return
    if (this.#retryAt !== undefined) {
      if (performance.now() < this.#retryAt) return
      this.#rewrite()
      if (this.#retryAt !== undefined) return
    }
    try {
      this.#spool.append(records)
    } catch (error) {
      this.#onSpoolError(error)
    }
  }

  /** Writes the current queue as a new spool; this also retries a spool after an error. */
  #rewrite(): void {
    if (this.#spool === undefined || this.#isClosed) return
    try {
      this.#spool.rewrite(this.#snapshot())
      if (this.#retryAt !== undefined) this.#options.onSpoolRecovered()
      this.#retryAt = undefined
    } catch (error) {
      this.#onSpoolError(error)
    }
  }

  /** A full disk must not stop a training: the journal continues in memory, and retries the spool from time to time. */
  #onSpoolError(error: unknown): void {
    if (this.#retryAt === undefined) this.#options.onSpoolError(error)
    this.#retryAt = performance.now() + (this.#options.spoolRetryMs ?? 5000)
  }
}
