import type { LogLevel } from '@trainyard/contract'

/** Prints a message in the contract's format, `[TRACE:{id}] [LEVEL] message`, one output line for each of its lines. Without an id: the message alone. */
export function printLine(level: LogLevel, message: string, traceId?: string): void {
  const label = level.toUpperCase()
  for (const line of message.split('\n')) {
    if (traceId !== undefined) process.stdout.write(`[TRACE:${traceId}] [${label}] ${line}\n`)
    else process.stdout.write(level === 'info' ? `${line}\n` : `${label}: ${line}\n`)
  }
}
