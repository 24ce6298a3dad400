import type { OutputLine } from '../launcher.ts'
import { finalText } from '../output-text.ts'

/** One line of a container's log. */
export interface LogLine extends OutputLine {
  /** Microseconds since 1970. A number has no room for nanoseconds. */
  micros: number
}

/** Parses `2026-11-20T09:30:00.123456789Z text`. Messages of the kubelet have no time and are skipped. */
export function parseLogLine(line: string): LogLine[] {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?(.*)$/s.exec(line)
  if (match === null) return []
  const [, second = '', fraction = '', zone = '', text = ''] = match
  const ms = Date.parse(`${second}${zone}`)
  if (Number.isNaN(ms)) return []
  const micros = ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
  return [{ source: 'stdout', text: finalText(text), time: new Date(micros / 1000), micros }]
}
