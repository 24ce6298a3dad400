import type { Logger } from '../log.ts'

const loggers = new Set<Pick<Logger, 'error'>>()

/**
 * Until the returned function is called, a rejection that no code awaits is logged. Without this it would end the process: one
 * request that leaves a failing call behind would end the work of everyone. Exceptions still end it, because after one the state
 * of what threw it is unknown.
 */
export function surviveRejections(logger: Pick<Logger, 'error'>): () => void {
  // A process with several servers logs a rejection once.
  if (loggers.size === 0) process.on('unhandledRejection', log)
  loggers.add(logger)
  return () => {
    loggers.delete(logger)
    if (loggers.size === 0) process.off('unhandledRejection', log)
  }
}

function log(reason: unknown): void {
  const [logger] = loggers
  logger?.error({ err: reason }, 'a promise was rejected that no code awaits')
}
