import { type RequestHead, TrainyardError } from '@trainyard/platform'
import { authorise } from '../auth/authorise.ts'
import { requireJob } from '../auth/require.ts'
import type { RunnerContext } from '../context.ts'

/** A notification can get lost, so access is also checked at this interval. */
const CHECK_MS = 60_000
/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export interface WatchAccessOptions {
  request: RequestHead
  jobId: number
  /** When the caller's credentials end. Undefined: never. */
  expiresAt: Date | undefined
}

/**
 * Calls `deny` once the sender of a request may no longer read the job: the token or session, or a token that it descends
 * from, has ended, or the membership has. Returns a function that stops watching.
 */
export function watchAccess(
  context: RunnerContext,
  { request, jobId, expiresAt }: WatchAccessOptions,
  deny: () => void,
): () => void {
  let isChecking = false
  let again = false
  const check = async (): Promise<void> => {
    again = true
    if (isChecking) return
    isChecking = true
    while (again) {
      again = false
      if (await isDenied(context, request, jobId)) return deny()
    }
    isChecking = false
  }
  const unwatch = context.identity.watchAccess(() => void check())
  const timers = [setInterval(() => void check(), CHECK_MS)]
  const leftMs = expiresAt === undefined ? Infinity : expiresAt.getTime() - context.clock.now().getTime()
  if (leftMs < MAX_TIMER_MS) timers.push(setTimeout(() => void check(), Math.max(0, leftMs) + 50))
  for (const timer of timers) timer.unref()
  return () => {
    unwatch()
    for (const timer of timers) clearTimeout(timer)
  }
}

async function isDenied(context: RunnerContext, request: RequestHead, jobId: number): Promise<boolean> {
  try {
    await requireJob(context, await authorise(context, request), jobId, 'jobs:read')
    return false
  } catch (error) {
    if (error instanceof TrainyardError && error.status < 500) return true
    // The database does not answer. The stream stays open, as it does for the same reason elsewhere.
    context.logger.warn({ err: error, jobId }, 'the access of a live stream could not be checked')
    return false
  }
}
