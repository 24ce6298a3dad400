import type { LiveMessage } from '@trainyard/contract'
import { formatCursor, type LiveCursor } from './cursor.ts'
import { type Changes, toMessages } from './read-changes.ts'

/** A message as text. Only the last message of an update has an id, so that an interrupted update is sent again as a whole. */
export interface OutgoingMessage {
  json: string
  id: string | undefined
}

/** The connection to one reader: server-sent events, or a WebSocket. */
export interface LiveSink {
  write(message: OutgoingMessage): void
  /** Bytes that the reader has not taken yet. */
  bufferedBytes(): number
  /** Keeps the connection open without a message. */
  sendHeartbeat(): void
  /** Closes the connection with a reason. */
  end(reason: StreamEnd): void
}

/**
 * Why a stream ends: the job has ended, the job was deleted, the reader may no longer read it, the reader is too slow, reading the job failed, or the server
 * stops.
 */
export type StreamEnd = 'over' | 'gone' | 'denied' | 'slow' | 'failed' | 'stopping'

export interface ViewerOptions {
  sink: LiveSink
  /** Position after which the reader resumes. Undefined: it starts with a snapshot. */
  cursor: LiveCursor | undefined
  /** Interval of heartbeats. */
  heartbeatMs: number
  /** How long a reader can stay behind before it is disconnected. It can reconnect with its last id. */
  slowConsumerMs: number
  /** Bytes that can wait for the reader. Beyond that it gets nothing until it has caught up, and then a snapshot. */
  bufferBytes: number
  /** Calls `deny` once the reader may no longer read the job, until the returned function is called. Default: never. */
  watchAccess?: ((deny: () => void) => () => void) | undefined
  /** Requests a new snapshot. */
  onRejoin(viewer: Viewer): void
  onEnd(viewer: Viewer): void
}

/** An update of a job for all its viewers. It is encoded once for all viewers with the same cursor. */
export interface SharedUpdate {
  changes: Changes | undefined
  /** How many lines of the job have exceeded its quota so far. */
  droppedLogs: number
  /** The job as JSON without the fields that change with every heartbeat, to detect changes. */
  comparable: string
  jobMessage: LiveMessage
  isLast: boolean
  encoded: Map<string, OutgoingMessage[]>
}

/** One reader of a job: its position, what it was sent, and whether it keeps up. */
export class Viewer {
  #cursor: LiveCursor | undefined
  #shownJob = ''
  /** Undefined for a reader that resumed, which does not know the number. */
  #shownDropped: number | undefined
  /** Set while the reader is behind. It gets nothing until its buffer is empty. */
  #slowTimer: NodeJS.Timeout | undefined
  #isOver = false
  readonly #heartbeat: NodeJS.Timeout
  readonly #options: ViewerOptions
  readonly #stopWatching: (() => void) | undefined

  constructor(options: ViewerOptions) {
    this.#options = options
    this.#cursor = options.cursor
    this.#heartbeat = setInterval(() => {
      if (this.#slowTimer === undefined) options.sink.sendHeartbeat()
    }, options.heartbeatMs)
    this.#heartbeat.unref()
    this.#stopWatching = options.watchAccess?.(() => this.end('denied'))
  }

  get cursor(): LiveCursor | undefined {
    return this.#cursor
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Sends the whole state. Ends the stream when `update` is the last one. */
  showSnapshot(
    snapshot: { messages: readonly LiveMessage[]; cursor: LiveCursor; droppedLogs: number },
    update: SharedUpdate,
  ): void {
    if (this.#isOver) return
    this.#shownDropped = snapshot.droppedLogs
    this.#cursor = snapshot.cursor
    this.#shownJob = update.comparable
    const messages = update.isLast ? [...snapshot.messages, update.jobMessage] : snapshot.messages
    this.#write(encodeMessages(messages, snapshot.cursor))
    if (update.isLast) this.end('over')
  }

  /** Sends what is new to this reader. A reader that is behind or has no position gets a snapshot later instead. */
  show(update: SharedUpdate): void {
    if (this.#isOver || this.#cursor === undefined || this.#slowTimer !== undefined) return
    const isJobChanged = update.comparable !== this.#shownJob
    this.#shownJob = update.comparable
    const { droppedLogs } = update
    const isDropping = droppedLogs > (this.#shownDropped ?? 0)
    this.#shownDropped = droppedLogs
    const after = this.#cursor
    const to = update.changes === undefined ? after : furthest(after, update.changes.to)
    this.#cursor = to
    const key = `${formatCursor(after)} ${isJobChanged} ${isDropping}`
    let messages = update.encoded.get(key)
    if (messages === undefined) {
      const changed = update.changes === undefined ? [] : toMessages(update.changes, after)
      if (isDropping) changed.push({ type: 'logs', lines: [], droppedLogs })
      messages = encodeMessages(isJobChanged ? [...changed, update.jobMessage] : changed, to)
      update.encoded.set(key, messages)
    }
    this.#write(messages)
    if (update.isLast) this.end('over')
  }

  /** Called when the reader has taken everything that was buffered. */
  drained(): void {
    if (this.#slowTimer === undefined || this.#isOver) return
    clearTimeout(this.#slowTimer)
    this.#slowTimer = undefined
    this.reset()
    this.#options.onRejoin(this)
  }

  /** Forgets the position, so that the reader starts again with a snapshot. */
  reset(): void {
    this.#cursor = undefined
  }

  end(reason: StreamEnd): void {
    if (this.#isOver) return
    this.leave()
    this.#options.sink.end(reason)
  }

  /** Called when the reader has closed the connection. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#heartbeat)
    clearTimeout(this.#slowTimer)
    this.#stopWatching?.()
    this.#options.onEnd(this)
  }

  #write(messages: readonly OutgoingMessage[]): void {
    const { sink, bufferBytes, slowConsumerMs } = this.#options
    for (const message of messages) sink.write(message)
    if (this.#slowTimer !== undefined || sink.bufferedBytes() <= bufferBytes) return
    this.#slowTimer = setTimeout(() => this.end('slow'), slowConsumerMs)
    this.#slowTimer.unref()
  }
}

function furthest(one: LiveCursor, other: LiveCursor): LiveCursor {
  return {
    attempt: other.attempt,
    seq: Math.max(one.seq, other.seq),
    position: Math.max(one.position, other.position),
  }
}

function encodeMessages(messages: readonly LiveMessage[], cursor: LiveCursor): OutgoingMessage[] {
  return messages.map((message, index) => ({
    json: JSON.stringify(message),
    id: index === messages.length - 1 ? formatCursor(cursor) : undefined,
  }))
}
