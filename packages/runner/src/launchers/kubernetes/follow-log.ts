import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@trainyard/platform'
import type { OutputLine, OutputPosition } from '../launcher.ts'
import { createDuplicateFilter, createLineSplitter, isBefore, type LogLine, sinceOf } from './log-lines.ts'

/** Reads a log as text, from a time on. */
export type OpenLog = (options: { follow: boolean; since?: Date; signal: AbortSignal }) => AsyncIterable<string>

/** What one call gives, and what a follower keeps before it waits to be read. */
const MAX_TAKEN_CHARS = 1024 * 1024
const REOPEN_MIN_MS = 250
const REOPEN_MAX_MS = 10_000

interface HeldLine {
  line: LogLine
  after: OutputPosition
}

export interface LogFollower {
  /** Lines after a position that have come so far; undefined when it can no longer tell what came after it. */
  take(from: OutputPosition): { lines: OutputLine[]; position: OutputPosition } | undefined
  stop(): void
}

/** Keeps a log open and holds what comes until it is taken. Reopens where it broke off, without doubles. */
export function followLog(open: OpenLog, start: OutputPosition, logger: Logger): LogFollower {
  const stopped = new AbortController()
  let held: HeldLine[] = []
  let heldChars = 0
  /** Everything up to here has been taken or was before the start. */
  let taken = start
  let reached = start
  let room = Promise.withResolvers<void>()

  const run = async () => {
    let pauseMs = REOPEN_MIN_MS
    while (!stopped.signal.aborted) {
      try {
        const filter = createDuplicateFilter(reached)
        const splitter = createLineSplitter()
        const since = sinceOf(reached)
        const options = { follow: true, signal: stopped.signal, ...(since === undefined ? {} : { since }) }
        for await (const chunk of open(options)) {
          for (const line of splitter.push(chunk)) {
            const after = filter(line)
            if (after === undefined) continue
            held.push({ line, after })
            heldChars += line.text.length
            reached = after
            pauseMs = REOPEN_MIN_MS
          }
          if (heldChars > MAX_TAKEN_CHARS) await room.promise
        }
      } catch (error) {
        if (stopped.signal.aborted) return
        logger.debug({ err: error }, 'the log of a pod broke off; it is opened again')
      }
      // It ended, or broke: the last lines are for whoever asks with `final`, should the container be over.
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => {})
      pauseMs = Math.min(REOPEN_MAX_MS, pauseMs * 2)
    }
  }
  run().catch((error: unknown) => logger.error({ err: error }, 'following the log of a pod failed'))

  return {
    take(from) {
      if (isBefore(from, taken)) return undefined
      const keep = held.filter(({ after }) => isBefore(from, after))
      if (keep.length < held.length) {
        held = keep
        heldChars = keep.reduce((sum, { line }) => sum + line.text.length, 0)
        taken = from
        if (heldChars <= MAX_TAKEN_CHARS) {
          room.resolve()
          room = Promise.withResolvers()
        }
      }
      return {
        lines: held.map(({ line }) => line).filter(({ text }) => text.trim() !== ''),
        position: held.at(-1)?.after ?? from,
      }
    },
    stop() {
      stopped.abort()
      room.resolve()
    },
  }
}

/** One read to the end, or until it is much; a log that is over needs no following. */
export async function readRest(
  open: OpenLog,
  from: OutputPosition,
): Promise<{ lines: OutputLine[]; position: OutputPosition }> {
  const done = new AbortController()
  const filter = createDuplicateFilter(from)
  const splitter = createLineSplitter()
  const lines: OutputLine[] = []
  let position = from
  let chars = 0
  const add = (line: LogLine) => {
    const after = chars > MAX_TAKEN_CHARS ? undefined : filter(line)
    if (after === undefined) return
    position = after
    chars += line.text.length
    if (line.text.trim() !== '') lines.push(line)
  }
  try {
    const since = sinceOf(from)
    for await (const chunk of open({ follow: false, signal: done.signal, ...(since === undefined ? {} : { since }) })) {
      for (const line of splitter.push(chunk)) add(line)
      if (chars > MAX_TAKEN_CHARS) return { lines, position }
    }
    for (const line of splitter.rest()) add(line)
    return { lines, position }
  } finally {
    done.abort()
  }
}
