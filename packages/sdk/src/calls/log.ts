import type { LogLevel } from '@trainyard/contract'
import { printLine } from '../util/print-line.ts'
import { findSession } from './default-session.ts'

type Data = Record<string, unknown>

/** Logs to the console and, once a job has started, to its journal. Never throws. */
export function log(message: string, data?: Data): void {
  logEvent(undefined, message, { data })
}

/** Same as {@link log}. Never throws. */
export function logInfo(message: string, data?: Data): void {
  log(message, data)
}

/** Logs details for debugging, which are dropped first when the journal is full. Never throws. */
export function logDebug(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'debug', data })
}

/** Logs that something is wrong while the job continues. Never throws. */
export function logWarning(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'warning', data })
}

/** Logs a failure and sends it at once. Does not end the job: use {@link reportFailed}. Never throws. */
export function logError(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'error', data })
}

/** Logs a line with a type that can be searched for. Never throws. */
export function logEvent(
  eventType: string | undefined,
  message: string,
  options: { level?: LogLevel | undefined; data?: Data | undefined } = {},
): void {
  const { level = 'info', data } = options
  const session = findSession()
  if (session !== undefined) session.log(level, message, data, eventType)
  else printLine(level, message, process.env.TRACE_ID)
}

/** Waits until the platform has everything that was logged so far. Returns false after `timeoutMs` (default 10,000). */
export async function flushLogs({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<boolean> {
  return (await findSession()?.backend.flush({ timeoutMs })) ?? true
}
