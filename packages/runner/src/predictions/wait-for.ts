import type { RunnerContext } from '../context.ts'

/** Longest pause between two looks: a notification of another replica can be lost. */
const LOOK_EVERY_MS = 2000

/** Calls `look` now and after each change of the job until it returns something or the time is over. */
export async function waitFor<T>(
  { hub }: Pick<RunnerContext, 'hub'>,
  { jobId, waitMs, signal }: { jobId: number; waitMs: number; signal?: AbortSignal | undefined },
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const endsAt = performance.now() + waitMs
  for (;;) {
    // Watched before the look, so that no change falls between the two.
    const changed = nextChange(hub, jobId, signal)
    try {
      const found = await look()
      const leftMs = endsAt - performance.now()
      if (found !== undefined || leftMs <= 0 || signal?.aborted) return found
      await changed.within(Math.min(leftMs, LOOK_EVERY_MS))
    } finally {
      changed.stop()
    }
  }
}

function nextChange(hub: RunnerContext['hub'], jobId: number, signal: AbortSignal | undefined) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unwatch = hub.watch(jobId, resolve)
  const onAbort = () => resolve()
  signal?.addEventListener('abort', onAbort, { once: true })
  let timer: NodeJS.Timeout | undefined
  return {
    within: (ms: number) => {
      timer = setTimeout(resolve, ms)
      return promise
    },
    stop: () => {
      clearTimeout(timer)
      unwatch()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
