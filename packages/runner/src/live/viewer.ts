import type { LiveMessage } from '@trainyard/contract'
import { formatCursor, type LiveCursor } from './cursor.ts'
import { type Changes, toMessages } from './read-changes.ts'

/** A message as text. Only the last one of a step carries the id: whoever is cut off between them gets all of them again. */
export interface OutgoingMessage {
  json: string
  id: string | undefined
}

/** The line to one reader: server-sent events, or a WebSocket. */
export interface LiveSink {
  write(message: OutgoingMessage): void
  /** Bytes that wait for the reader. */
  bufferedBytes(): number
  /** Something that keeps the line open, and is no message. */
  beat(): void
  /** Closes the line and says why. */
  end(reason: EndReason): void
}

export type EndReason = 'over' | 'gone' | 'slow' | 'failed' | 'stopping'

export interface ViewerOptions {
  sink: LiveSink
  /** Where the reader goes on; undefined: it begins with a snapshot. */
  cursor: LiveCursor | undefined
  /** Silence after which something is sent. */
  heartbeatMs: number
  /** How long a reader may be behind before it is dropped; it may come back with its last id. */
  slowConsumerMs: number
  /** Bytes that may wait for the reader; beyond that it gets no more until it has caught up, and then a snapshot. */
  bufferBytes: number
  /** Asks for a new snapshot. */
  onRejoin(viewer: Viewer): void
  onEnd(viewer: Viewer): void
}

/** What a step of a job is to all its viewers, written down once for those who are at the same place. */
export interface SharedStep {
  changes: Changes | undefined
  /** The job as JSON without what changes with every heartbeat, to tell whether it is news. */
  comparable: string
  jobMessage: LiveMessage
  isLast: boolean
  encoded: Map<string, OutgoingMessage[]>
}

/** One reader of a job: where it is, what it has been shown, and whether it keeps up. */
export class Viewer {
  #cursor: LiveCursor | undefined
  #shownJob = ''
  /** Behind since then; gets nothing until its buffer is empty. */
  #slowTimer: NodeJS.Timeout | undefined
  #isOver = false
  readonly #heartbeat: NodeJS.Timeout
  readonly #options: ViewerOptions

  constructor(options: ViewerOptions) {
    this.#options = options
    this.#cursor = options.cursor
    this.#heartbeat = setInterval(() => {
      if (this.#slowTimer === undefined) options.sink.beat()
    }, options.heartbeatMs)
    this.#heartbeat.unref()
  }

  get cursor(): LiveCursor | undefined {
    return this.#cursor
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Shows everything anew. `isLast`: nothing will follow. */
  showSnapshot(snapshot: { messages: readonly LiveMessage[]; cursor: LiveCursor }, step: SharedStep): void {
    if (this.#isOver) return
    this.#cursor = snapshot.cursor
    this.#shownJob = step.comparable
    const messages = step.isLast ? [...snapshot.messages, step.jobMessage] : snapshot.messages
    this.#write(encodeMessages(messages, snapshot.cursor))
    if (step.isLast) this.end('over')
  }

  /** Shows what is new to this reader. Whoever is behind or has no place yet will see a snapshot instead. */
  show(step: SharedStep): void {
    if (this.#isOver || this.#cursor === undefined || this.#slowTimer !== undefined) return
    const isNews = step.comparable !== this.#shownJob
    this.#shownJob = step.comparable
    const after = this.#cursor
    const to = step.changes === undefined ? after : furthest(after, step.changes.to)
    this.#cursor = to
    const key = `${formatCursor(after)} ${isNews}`
    let messages = step.encoded.get(key)
    if (messages === undefined) {
      const fresh = step.changes === undefined ? [] : toMessages(step.changes, after)
      messages = encodeMessages(isNews ? [...fresh, step.jobMessage] : fresh, to)
      step.encoded.set(key, messages)
    }
    this.#write(messages)
    if (step.isLast) this.end('over')
  }

  /** The reader has taken everything that waited. */
  drained(): void {
    if (this.#slowTimer === undefined || this.#isOver) return
    clearTimeout(this.#slowTimer)
    this.#slowTimer = undefined
    this.forget()
    this.#options.onRejoin(this)
  }

  /** What it has been shown does not lead on from here: it begins anew. */
  forget(): void {
    this.#cursor = undefined
  }

  end(reason: EndReason): void {
    if (this.#isOver) return
    this.leave()
    this.#options.sink.end(reason)
  }

  /** The reader went away by itself. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#heartbeat)
    clearTimeout(this.#slowTimer)
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
