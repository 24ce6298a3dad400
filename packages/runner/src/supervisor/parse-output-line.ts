import { LogLevel } from '@trainyard/contract'
import type { OutputLine } from '../launchers/launcher.ts'

export interface ParsedLine {
  /** Of `[TRACE:id] [LEVEL] message`, the form in which the SDK prints what it also sends. */
  traceId?: string
  level: LogLevel
  message: string
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  warn: 'warning',
  critical: 'error',
  fatal: 'error',
  trace: 'debug',
}

/** What a line of output says; anything that has no level of its own is `info`, or `warning` on stderr. */
export function parseOutputLine(line: Pick<OutputLine, 'source' | 'text'>): ParsedLine {
  const usual = line.source === 'stderr' ? 'warning' : 'info'
  // PostgreSQL's text holds no NUL.
  const text = line.text.replaceAll('\u0000', '\uFFFD')
  const match = /^\[TRACE:([^\]\s]{1,64})\] \[([A-Za-z]{1,20})\] ?(.*)$/s.exec(text)
  const [, traceId, levelName = '', message = ''] = match ?? []
  if (traceId === undefined) return { level: usual, message: text }
  const name = levelName.toLowerCase()
  const level = LogLevel.safeParse(name)
  return { traceId, level: level.success ? level.data : (LEVELS[name] ?? usual), message }
}
