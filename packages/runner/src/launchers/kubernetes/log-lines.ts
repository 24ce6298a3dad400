import type { OutputLine, OutputPosition } from '../launcher.ts'

/** One line of a container's log. */
export interface LogLine extends OutputLine {
  /** Microseconds since 1970: all that a number holds of the nanoseconds. */
  micros: number
}

const MAX_LINE_LENGTH = 16_384

/**
 * Logs of pods have no byte positions: they are rotated, and can be read from a second on. So a position is the time of
 * the last line that was taken, in microseconds, and how many lines with that very time were taken. Kubernetes gives
 * both outputs as one, so the two numbers of a position are free for this.
 */
export const positionOf = (micros: number, count: number): OutputPosition => ({ stdout: micros, stderr: count })

export function isBefore(a: OutputPosition, b: OutputPosition): boolean {
  return a.stdout < b.stdout || (a.stdout === b.stdout && a.stderr < b.stderr)
}

/** The time from which a log has to be read to go on from a position. */
export function sinceOf(position: OutputPosition): Date | undefined {
  return position.stdout === 0 ? undefined : new Date(Math.floor(position.stdout / 1_000_000) * 1000)
}

/** Cuts chunks of text into lines; what is left over waits for its end. */
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

/** `2026-11-20T09:30:00.123456789Z text`. The kubelet's own remarks have no time; they are no output. */
export function parseLogLine(line: string): LogLine[] {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?(.*)$/s.exec(line)
  if (match === null) return []
  const [, second = '', fraction = '', zone = '', text = ''] = match
  const ms = Date.parse(`${second}${zone}`)
  if (Number.isNaN(ms)) return []
  const micros = ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
  return [{ source: 'stdout', text: lastState(text).slice(0, MAX_LINE_LENGTH), time: new Date(micros / 1000), micros }]
}

/** What a terminal would show: progress bars overwrite themselves with carriage returns. */
function lastState(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1)
}

/** Gives each line its position, and leaves out those that a reader at `from` has had. */
export function createDuplicateFilter(from: OutputPosition): (line: LogLine) => OutputPosition | undefined {
  let position = from
  let seenAtStart = 0
  return (line) => {
    if (line.micros === from.stdout && seenAtStart < from.stderr) {
      seenAtStart++
      return undefined
    }
    if (line.micros < from.stdout) return undefined
    // A clock that was set back must not turn new lines into old ones.
    position =
      line.micros > position.stdout ? positionOf(line.micros, 1) : positionOf(position.stdout, position.stderr + 1)
    return position
  }
}
