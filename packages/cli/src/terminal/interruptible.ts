import process from 'node:process'
import { InterruptedError } from '../errors.ts'

/** Aborts `signal` with an {@link InterruptedError} at the first Ctrl-C. A second one ends the process. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const onInterrupt = () => controller.abort(new InterruptedError())
  process.once('SIGINT', onInterrupt)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}
