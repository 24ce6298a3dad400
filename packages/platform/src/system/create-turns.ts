import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs pieces of work that occupy the event loop one after the other, each as long after the one before as that one took: other
 * requests have at least half of the time, however many such pieces wait.
 */
export function createTurns(): <T>(work: () => T) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const run = last.then(() => {
      const startedMs = performance.now()
      try {
        return { value: work(), tookMs: performance.now() - startedMs }
      } catch (error) {
        return { error, tookMs: performance.now() - startedMs }
      }
    })
    last = run.then(({ tookMs }) => sleep(tookMs))
    return run.then((outcome) => {
      if ('value' in outcome) return outcome.value
      throw outcome.error
    })
  }
}
