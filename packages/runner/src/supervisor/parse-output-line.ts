import { LogLevel } from '@trainyard/contract'
import type { OutputLine } from '../launchers/launcher.ts'

export interface ParsedLine {
  /** The id in `[TRACE:id] [LEVEL] message`, the format in which the SDK prints the messages that it also sends. */
  traceId?: string | undefined
  level: LogLevel
  message: string
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  warn: 'warning',
  critical: 'error',
  fatal: 'error',
  trace: 'debug',
}

/** Parses a line of output. The level of a line without one is `info`, or `warning` on stderr. */
export function parseOutputLine(line: Pick<OutputLine, 'source' | 'text'>): ParsedLine {
  const usual = line.source === 'stderr' ? 'warning' : 'info'
  // PostgreSQL's text cannot contain NUL.
  const text = line.text.replaceAll('\u0000', '\uFFFD')
  const match = /^\[TRACE:([^\]\s]{1,64})\] \[([A-Za-z]{1,20})\] ?(.*)$/s.exec(text)
  const [, traceId, levelName = '', message = ''] = match ?? []
  if (traceId === undefined) return { level: usual, message: text }
  const name = levelName.toLowerCase()
  const level = LogLevel.safeParse(name)
  return { traceId, level: level.success ? level.data : (LEVELS[name] ?? usual), message }
}
