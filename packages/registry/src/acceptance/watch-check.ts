import type { Check } from '@trainyard/contract'
import { DatabaseUnavailable, TrainyardError } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { getCheck } from './get-check.ts'

/** Notifications can be lost while the listening connection is down, so the check is also read at this interval. */
const POLL_MS = 10_000
const RETRY_MS = 1000

/**
 * Yields the check now and each time it changes, and `undefined` when nothing has changed for a while. Ends when the check
 * has finished, or the caller may no longer read it: the caller is found again before each read.
 */
export async function* watchCheck(
  context: RegistryContext,
  id: string,
  currentCaller: () => Promise<RegistryCaller>,
  signal: AbortSignal,
): AsyncGenerator<Check | undefined> {
  let pending = false
  let wake: (() => void) | undefined
  const onCheck = (changed: string | undefined) => {
    if (changed !== undefined && changed !== id) return
    pending = true
    wake?.()
  }
  const onAbort = () => wake?.()
  // Listen before the first read, so that no change is missed.
  context.changes.on('check', onCheck)
  const unwatch = context.identity.watchAccess(() => onCheck(id))
  signal.addEventListener('abort', onAbort)
  try {
    let last = ''
    while (!signal.aborted) {
      pending = false
      const check = await readCheck(context, id, currentCaller)
      if (check === 'denied') return
      // While the database does not answer, the stream stays open.
      const text = JSON.stringify(check)
      yield check === undefined || text === last ? undefined : check
      last = text ?? last
      if (check?.finishedAt !== undefined) return
      if (pending || signal.aborted) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, check === undefined ? RETRY_MS : POLL_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = undefined
    }
  } finally {
    context.changes.off('check', onCheck)
    unwatch()
    signal.removeEventListener('abort', onAbort)
  }
}

/** Undefined while the database does not answer. */
async function readCheck(
  context: RegistryContext,
  id: string,
  currentCaller: () => Promise<RegistryCaller>,
): Promise<Check | 'denied' | undefined> {
  try {
    return await getCheck(context, await currentCaller(), id)
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return undefined
    if (error instanceof TrainyardError && error.status < 500) return 'denied'
    throw error
  }
}
