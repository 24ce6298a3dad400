import process from 'node:process'

/** Aborts `signal` at the first Ctrl-C; a second one ends the process as usual. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const onInterrupt = () => interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', onInterrupt)
  try {
    return await work(interrupted.signal)
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}
