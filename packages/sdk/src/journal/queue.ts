import { createLoss, isEmpty, LOSS_KINDS, type Loss } from './loss.ts'
import { DROP_ORDER, isLastResort, NEVER_DROPPED, type Priority } from './priority.ts'
import type { Spool, SpoolRecord } from './spool.ts'

export interface QueuedEvent {
  id: number
  /** Its number on the wire; 0 until it is first sent. */
  seq: number
  /** The event without its number. */
  json: string
  sizeBytes: number
  priority: Priority
  /** Whether its number was given by an earlier process of this attempt. */
  isReplayed: boolean
}

export interface QueueLimits {
  maxEvents: number
  maxBytes: number
  maxSpoolBytes: number
}

export interface EventQueueOptions {
  /** Where the queue survives a crash; absent: in memory alone. */
  spool: Spool | undefined
  /** What an earlier process left in it. */
  records: readonly SpoolRecord[]
  limits: QueueLimits
  /** Called once when the spool cannot be written, and once when it is written again. */
  onSpoolError: (error: unknown) => void
  onSpoolRecovered?: () => void
  /** Between two tries to write a spool that could not be written, in milliseconds. Default 5,000. */
  spoolRetryMs?: number
}

/** Events that the platform does not hold yet, in order, in memory and on disk. */
export class EventQueue {
  #events: QueuedEvent[] = []
  #bytes = 0
  #nextId = 1
  #nextSeq = 1
  #acknowledged = 0
  /** Events without a number, by priority: says in O(1) whether there is something to drop. */
  #droppable = [0, 0, 0, 0, 0, 0]
  readonly #spool: Spool | undefined
  readonly #limits: QueueLimits
  readonly #options: EventQueueOptions
  #isReplaying = true
  #isClosed = false
  /** When a broken spool is tried again; undefined while it is whole. */
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
  /** The highest number given. */
  get lastSeq(): number {
    return this.#nextSeq - 1
  }
  get lastId(): number {
    return this.#nextId - 1
  }
  get acknowledged(): number {
    return this.#acknowledged
  }
  /** Id of the oldest event that is not acknowledged. */
  get firstId(): number {
    return this.#events[0]?.id ?? this.#nextId
  }
  at(index: number): QueuedEvent | undefined {
    return this.#events[index]
  }
  toArray(): readonly QueuedEvent[] {
    return this.#events
  }

  /** Adds an event, making room if it must. False when the event itself was dropped. */
  push(json: string, priority: Priority): boolean {
    return this.pushAll([json], priority)
  }

  /** Adds events with one write to the disk. False when some of them were dropped. */
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
        // What is dropped must be there before.
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

  /** The next events to send: at most so many and so large together, at least one. Gives numbers to those without. */
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
      // On disk before it is on the wire, so that a replay after a crash sends the same event under the same number.
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
   * The platform holds other numbers than we thought (our spool or its data was lost): go on after what it holds. An
   * event that an earlier process had numbered is held when its number is: only the end of our spool was lost.
   */
  renumberAfter(seq: number): void {
    this.#events = this.#events.filter((event) => {
      const isHeld = event.isReplayed && event.seq !== 0 && event.seq <= seq
      if (isHeld) this.#bytes -= event.sizeBytes
      return !isHeld
    })
    for (const event of this.#events) {
      if (event.seq !== 0) this.#droppable[event.priority] = (this.#droppable[event.priority] ?? 0) + 1
      event.seq = 0
      event.isReplayed = false
    }
    this.#acknowledged = seq
    this.#nextSeq = seq + 1
    this.#rewrite()
  }

  /** Puts another event under the number of one that the platform cannot take. */
  replace(event: QueuedEvent, json: string): void {
    this.#bytes -= event.sizeBytes
    event.json = json
    event.sizeBytes = Buffer.byteLength(json) + SEQ_BYTES
    this.#bytes += event.sizeBytes
    this.#rewrite()
  }

  /** What was dropped since this was last asked, or undefined when nothing was. */
  takeLoss(): Loss | undefined {
    const loss = this.#loss
    if (isEmpty(loss)) return undefined
    this.#write({ op: 'reported' })
    this.#loss = createLoss()
    return loss
  }

  /** Everything that this process dropped. */
  get totalLoss(): Loss {
    return { ...this.#totalLoss }
  }

  /** Waits for the disk. */
  sync(): void {
    if (this.#isClosed || this.#retryAt !== undefined) return
    try {
      this.#spool?.sync()
    } catch (error) {
      this.#break(error)
    }
  }

  close(): void {
    if (this.#isClosed) return
    // The last chance of a disk that was full to hold what is left.
    if (this.#retryAt !== undefined && this.#events.length > 0) this.#rewrite()
    this.#isClosed = true
    try {
      this.#spool?.close()
    } catch (error) {
      this.#options.onSpoolError(error)
    }
  }

  /** Drops a tenth of what is held, least important first; false when nothing is less important than what comes. */
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
        // Only as much as the memory needs: their number is no reason.
        events = 0
      }
      if ((this.#droppable[priority] ?? 0) > 0) {
        for (const event of this.#events) {
          if (events <= 0 && bytes <= 0) break
          // What has a number may be on its way: taking it out would leave a gap.
          if (event.seq !== 0 || event.priority !== priority) continue
          ids.push(event.id)
          events--
          bytes -= event.sizeBytes
        }
      }
      if (priority === incoming) break
    }
    if (ids.length === 0) return incoming === NEVER_DROPPED || (isLastResort(incoming) && !isLast)
    const record: SpoolRecord = { op: 'drop', ids }
    this.#write(record)
    this.#apply(record)
    this.#compactIfLarge()
    return true
  }

  #countLoss(priority: number): void {
    const kind = LOSS_KINDS[priority]
    if (kind === undefined) return
    this.#loss[kind]++
    if (!this.#isReplaying) this.#totalLoss[kind]++
  }

  #apply(record: SpoolRecord): void {
    switch (record.op) {
      case 'event': {
        const priority = record.priority as Priority
        const sizeBytes = Buffer.byteLength(record.json) + SEQ_BYTES
        this.#events.push({ id: record.id, seq: 0, json: record.json, sizeBytes, priority, isReplayed: false })
        this.#bytes += sizeBytes
        this.#nextId = record.id + 1
        this.#droppable[priority] = (this.#droppable[priority] ?? 0) + 1
        return
      }
      case 'number': {
        let left = record.count
        this.#nextSeq = record.first
        for (const event of this.#events) {
          if (left === 0) break
          if (event.seq !== 0) continue
          event.seq = this.#nextSeq++
          event.isReplayed = this.#isReplaying
          this.#droppable[event.priority] = (this.#droppable[event.priority] ?? 0) - 1
          left--
        }
        return
      }
      case 'drop': {
        const ids = new Set(record.ids)
        this.#events = this.#events.filter((event) => {
          if (!ids.has(event.id)) return true
          this.#bytes -= event.sizeBytes
          this.#droppable[event.priority] = (this.#droppable[event.priority] ?? 0) - 1
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

  /** A spool that is mostly past is written anew. Where there is no room for that, it just grows on. */
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
    yield {
      op: 'base',
      nextSeq: this.#nextSeq - numbered.length,
      ...(isEmpty(this.#loss) ? {} : { loss: { ...this.#loss } }),
    }
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
      this.#break(error)
    }
  }

  /** Writes the queue as it is now, and gives a broken spool another chance by it. */
  #rewrite(): void {
    if (this.#spool === undefined || this.#isClosed) return
    try {
      this.#spool.rewrite(this.#snapshot())
      if (this.#retryAt !== undefined) this.#options.onSpoolRecovered?.()
      this.#retryAt = undefined
    } catch (error) {
      this.#break(error)
    }
  }

  /** A full disk must not stop a training: the journal goes on in memory, and looks now and then whether there is room. */
  #break(error: unknown): void {
    if (this.#retryAt === undefined) this.#options.onSpoolError(error)
    this.#retryAt = performance.now() + (this.#options.spoolRetryMs ?? 5000)
  }
}

const COMPACT_FROM_BYTES = 1024 * 1024

/** Room for `"seq":9007199254740991,` and a comma. */
const SEQ_BYTES = 24
