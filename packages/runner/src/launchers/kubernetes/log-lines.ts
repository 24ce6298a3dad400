import type { OutputPosition } from '../launcher.ts'
import { type LogLine, parseLogLine } from './parse-log-line.ts'

/**
 * A position in a pod's log. Logs are rotated and have no byte positions, but can be read from a second on. So a position is
 * the time of the last line that was taken, and how many lines with that time were taken. Kubernetes merges the two streams,
 * so the two numbers of an OutputPosition are free for this.
 */
export const positionOf = (micros: number, count: number): OutputPosition => ({ stdout: micros, stderr: count })

export function isBefore(a: OutputPosition, b: OutputPosition): boolean {
  return a.stdout < b.stdout || (a.stdout === b.stdout && a.stderr < b.stderr)
}

/** The time from which a log must be read to continue after a position. */
export function sinceOf(position: OutputPosition): Date | undefined {
  return position.stdout === 0 ? undefined : new Date(Math.floor(position.stdout / 1_000_000) * 1000)
}

/** Splits chunks of text into lines. `rest` returns the last line if it has no newline. */
export function createLineSplitter(): { push(chunk: string): LogLine[]; rest(): LogLine[] } {
  let left = ''
  return {
    push(chunk) {
      const parts = (left + chunk).split('\n')
      left = parts.pop() ?? ''
      return parts.flatMap(parseLogLine)
    },
    rest() {
      const last = left
      left = ''
      return parseLogLine(last)
    },
  }
}

/** Returns the position of each line, or undefined for lines up to `from`. */
export function createDuplicateFilter(from: OutputPosition): (line: LogLine) => OutputPosition | undefined {
  let position = from
  let seenAtStart = 0
  return (line) => {
    if (line.micros === from.stdout && seenAtStart < from.stderr) {
      seenAtStart++
      return undefined
    }
    if (line.micros < from.stdout) return undefined
    // After a clock was set back, new lines keep the later time.
    position =
      line.micros > position.stdout ? positionOf(line.micros, 1) : positionOf(position.stdout, position.stderr + 1)
    return position
  }
}
