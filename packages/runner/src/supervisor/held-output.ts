import { LogLevel } from '@trainyard/contract'
import { z } from 'zod'
import { finalText, MAX_LINE_LENGTH } from '../launchers/output-text.ts'

/**
 * A trainer may print `[TRACE:id] [LEVEL] message` for a message that it also sends to its journal, as the SDK does, or for one
 * that it only prints. Each journaled line accounts for one printed line of the same text and level at about the same time;
 * every other printed line is kept. A line waits until the journal has passed it.
 */

/** A printed line that the journal may contain, too. Times are in ms since 1970. */
const HeldLine = z.object({
  level: LogLevel,
  message: z.string(),
  /** Whether the line was cut at the limit of output lines. */
  isCut: z.boolean(),
  source: z.enum(['stdout', 'stderr']),
  /** When the line was printed: at `time` at the latest, and not before `since`. */
  time: z.number(),
  since: z.number(),
})
export type HeldLine = z.infer<typeof HeldLine>

/** Stored with the position of the output. */
export const HeldOutput = z.object({
  lines: z.array(HeldLine).default([]),
  /** Sequence number up to which no event of the journal can match any more. */
  seq: z.number().default(0),
  /** Lines of later events that were found in the output, as `seq.index`. */
  found: z.array(z.string()).default([]),
  /** All output that was printed before this time has been read. */
  readUntil: z.number().default(0),
})
export type HeldOutput = z.infer<typeof HeldOutput>

export interface JournaledMessage {
  seq: number
  time: number
  level: LogLevel
  message: string
}

/** Clocks of a trainer and the platform may differ by this much. */
const CLOCK_MARGIN_MS = 5000
/** More lines do not wait: the oldest are kept. */
const MAX_HELD = 2000
const MAX_FOUND = 2000

interface MatchOptions {
  /** Events after `held.seq`, in order. */
  journaled: readonly JournaledMessage[]
  /** Whether the journal holds everything that it will ever hold of the time when a line was printed. */
  isPassed(line: HeldLine): boolean
}

/** Divides the lines into those to store and those that still wait. Lines of the journal are in neither. */
export function matchJournal(
  held: HeldOutput,
  { journaled, isPassed }: MatchOptions,
): { kept: HeldLine[]; held: HeldOutput } {
  const found = new Set(held.found)
  const pieces = piecesOf(journaled, found)
  const kept: HeldLine[] = []
  const waiting: HeldLine[] = []
  for (const line of held.lines) {
    const piece = takePiece(pieces, line)
    if (piece !== undefined) found.add(piece.id)
    else if (isPassed(line)) kept.push(line)
    else waiting.push(line)
  }
  kept.push(...waiting.splice(0, Math.max(0, waiting.length - MAX_HELD)))
  const oldest = Math.min(held.readUntil, ...waiting.map(({ since }) => since))
  const seq = firstOpen(journaled, { found, oldest, from: held.seq })
  const open = [...found].filter((id) => Number(id.slice(0, id.indexOf('.'))) > seq)
  return { kept, held: { lines: waiting, seq, found: open.slice(-MAX_FOUND), readUntil: held.readUntil } }
}

interface Piece {
  id: string
  text: string
  time: number
}

/** The journaled lines that are not found yet, by level and beginning. A message of several lines is printed as several. */
function piecesOf(journaled: readonly JournaledMessage[], found: ReadonlySet<string>): Map<string, Piece[]> {
  const pieces = new Map<string, Piece[]>()
  for (const { seq, time, level, message } of journaled) {
    for (const [index, text] of linesOf(message).entries()) {
      const id = `${seq}.${index}`
      if (found.has(id)) continue
      const key = keyOf(level, text)
      const same = pieces.get(key)
      if (same === undefined) pieces.set(key, [{ id, text, time }])
      else same.push({ id, text, time })
    }
  }
  return pieces
}

const linesOf = (message: string): string[] => message.replaceAll('\u0000', '\uFFFD').split('\n').map(finalText)
const keyOf = (level: LogLevel, text: string): string => `${level} ${text.slice(0, 200)}`

/** Removes the first journaled line that the printed one can be. */
function takePiece(pieces: Map<string, Piece[]>, line: HeldLine): Piece | undefined {
  const candidates = pieces.get(keyOf(line.level, line.message)) ?? []
  const at = candidates.findIndex(
    ({ text, time }) =>
      (line.isCut ? text.startsWith(line.message) : text === line.message) &&
      time >= Math.min(line.since, line.time) - CLOCK_MARGIN_MS &&
      time <= line.time + CLOCK_MARGIN_MS,
  )
  return at < 0 ? undefined : candidates.splice(at, 1)[0]
}

/** The last event before the first one that could still match a line. */
function firstOpen(
  journaled: readonly JournaledMessage[],
  { found, oldest, from }: { found: ReadonlySet<string>; oldest: number; from: number },
): number {
  let seq = from
  for (const event of journaled) {
    const isOver = event.time < oldest - CLOCK_MARGIN_MS
    if (!isOver && !linesOf(event.message).every((_, index) => found.has(`${event.seq}.${index}`))) break
    seq = event.seq
  }
  return seq
}

export const isCutLine = (text: string): boolean => text.length >= MAX_LINE_LENGTH
