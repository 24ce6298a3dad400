import type { LogLevel } from '@trainyard/contract'
import { printLine } from '../util/print-line.ts'
import { findSession } from './default-session.ts'

type Data = Record<string, unknown>

/** Writes to the console and, once a job has started, to its journal. Never throws. */
export function log(message: string, data?: Data): void {
  logEvent(undefined, message, data === undefined ? {} : { data })
}

/** The same as {@link log}. Never throws. */
export function logInfo(message: string, data?: Data): void {
  log(message, data)
}

/** {@link log} for those who look for a fault: the first to go when there is no room. Never throws. */
export function logDebug(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'debug', ...(data === undefined ? {} : { data }) })
}

/** {@link log} for what is not as it should be while the job goes on. Never throws. */
export function logWarning(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'warning', ...(data === undefined ? {} : { data }) })
}

/** {@link log} for what failed; sent at once. Ends nothing: that is `reportFailed`. Never throws. */
export function logError(message: string, data?: Data): void {
  logEvent(undefined, message, { level: 'error', ...(data === undefined ? {} : { data }) })
}

/** A log line with a name of its own, to be found again. */
export function logEvent(
  eventType: string | undefined,
  message: string,
  options: { level?: LogLevel; data?: Data } = {},
): void {
  const { level = 'info', data } = options
  const session = findSession()
  if (session !== undefined) session.log(level, message, data, eventType)
  else printLine(level, message, process.env.TRACE_ID)
}

/** Waits until the platform holds everything logged so far; false when it does not by `timeoutMs` (default 10,000). */
export async function flushLogs({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<boolean> {
  return (await findSession()?.backend.flush({ timeoutMs })) ?? true
}
