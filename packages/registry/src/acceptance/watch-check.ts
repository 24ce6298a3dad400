import type { Check } from '@trainyard/contract'
import { DatabaseUnavailable } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { getCheck } from './get-check.ts'

/** Notifications can be lost while the listening connection is down, so the check is also read at this interval. */
const POLL_MS = 10_000
const RETRY_MS = 1000

/**
 * Yields the check now and each time it changes, and `undefined` when nothing has changed for a while. Ends when the check
 * has finished.
 */
export async function* watchCheck(
  context: RegistryContext,
  caller: RegistryCaller,
  id: string,
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
  signal.addEventListener('abort', onAbort)
  try {
    let last = ''
    while (!signal.aborted) {
      pending = false
      const check = await readCheck(context, caller, id)
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
    signal.removeEventListener('abort', onAbort)
  }
}

/** Undefined while the database does not answer. */
async function readCheck(context: RegistryContext, caller: RegistryCaller, id: string): Promise<Check | undefined> {
  try {
    return await getCheck(context, caller, id)
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return undefined
    throw error
  }
}
