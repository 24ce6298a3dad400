import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@trainyard/platform'
import type { Output, OutputLine, OutputPosition } from '../launcher.ts'
import { createDuplicateFilter, createLineSplitter, isBefore, sinceOf } from './log-lines.ts'
import type { LogLine } from './parse-log-line.ts'

/** Opens a log as text, from a time on. */
export type OpenLog = (options: {
  follow: boolean
  since: Date | undefined
  signal: AbortSignal
}) => AsyncIterable<string>

/** How much one call returns, and how much a follower buffers. */
const MAX_CHARS = 1024 * 1024
const REOPEN_MIN_MS = 250
const REOPEN_MAX_MS = 10_000

interface BufferedLine {
  line: LogLine
  /** The position after it. */
  after: OutputPosition
}

/** Keeps a log open and buffers its lines until they are taken. Reopens a broken log without repeating lines. */
export class LogFollower {
  readonly #open: OpenLog
  readonly #logger: Logger
  readonly #stopped = new AbortController()
  #buffer: BufferedLine[] = []
  #bufferedChars = 0
  /** Lines up to here were taken, or come before the start. */
  #taken: OutputPosition
  #reached: OutputPosition
  #hasRoom = Promise.withResolvers<void>()
  #pauseMs = REOPEN_MIN_MS

  constructor(open: OpenLog, start: OutputPosition, logger: Logger) {
    this.#open = open
    this.#logger = logger
    this.#taken = start
    this.#reached = start
    this.#run().catch((error: unknown) => logger.error({ err: error }, 'following the log of a pod failed'))
  }

  /** The buffered lines after a position. Undefined: lines after it are no longer in the buffer. */
  take(from: OutputPosition): Output | undefined {
    if (isBefore(from, this.#taken)) return undefined
    const kept = this.#buffer.filter(({ after }) => isBefore(from, after))
    if (kept.length < this.#buffer.length) {
      this.#buffer = kept
      this.#bufferedChars = kept.reduce((sum, { line }) => sum + line.text.length, 0)
      this.#taken = from
      if (this.#bufferedChars <= MAX_CHARS) {
        this.#hasRoom.resolve()
        this.#hasRoom = Promise.withResolvers()
      }
    }
    return {
      lines: this.#buffer.map(({ line }) => line).filter(({ text }) => text.trim() !== ''),
      position: this.#buffer.at(-1)?.after ?? from,
    }
  }

  stop(): void {
    this.#stopped.abort()
    this.#hasRoom.resolve()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        await this.#read()
      } catch (error) {
        if (signal.aborted) return
        this.#logger.debug({ err: error }, 'the log of a pod broke off and is opened again')
      }
      // If the container has ended, a call with `final` reads the last lines.
      await sleep(this.#pauseMs, undefined, { signal }).catch(() => {})
      this.#pauseMs = Math.min(REOPEN_MAX_MS, this.#pauseMs * 2)
    }
  }

  /** Reads until the log ends or breaks off. */
  async #read(): Promise<void> {
    const filter = createDuplicateFilter(this.#reached)
    const splitter = createLineSplitter()
    const options = { follow: true, since: sinceOf(this.#reached), signal: this.#stopped.signal }
    for await (const chunk of this.#open(options)) {
      for (const line of splitter.push(chunk)) {
        const after = filter(line)
        if (after === undefined) continue
        this.#buffer.push({ line, after })
        this.#bufferedChars += line.text.length
        this.#reached = after
        this.#pauseMs = REOPEN_MIN_MS
      }
      if (this.#bufferedChars > MAX_CHARS) await this.#hasRoom.promise
    }
  }
}

/** Reads the rest of a log that has ended, up to a limit. */
export async function readRest(open: OpenLog, from: OutputPosition): Promise<Output> {
  const done = new AbortController()
  const filter = createDuplicateFilter(from)
  const splitter = createLineSplitter()
  const lines: OutputLine[] = []
  let position = from
  let chars = 0
  const add = (line: LogLine) => {
    const after = chars > MAX_CHARS ? undefined : filter(line)
    if (after === undefined) return
    position = after
    chars += line.text.length
    if (line.text.trim() !== '') lines.push(line)
  }
  try {
    for await (const chunk of open({ follow: false, since: sinceOf(from), signal: done.signal })) {
      for (const line of splitter.push(chunk)) add(line)
      if (chars > MAX_CHARS) return { lines, position }
    }
    for (const line of splitter.rest()) add(line)
    return { lines, position }
  } finally {
    done.abort()
  }
}
