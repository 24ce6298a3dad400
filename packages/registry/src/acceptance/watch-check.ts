import type { Check } from '@trainyard/contract'
import type { Caller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { getCheck } from './get-check.ts'

/** A notification may be lost while the listening connection comes back, so the check is looked at this often anyway. */
const LOOK_EVERY_MS = 10_000

/** The check now and each time it changed; `undefined` when nothing did for a while. Ends when the check has ended. */
export async function* watchCheck(
  context: RegistryContext,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Check | undefined> {
  let pending = false
  let wake: (() => void) | undefined
  const onCheck = (changed: string) => {
    if (changed !== id) return
    pending = true
    wake?.()
  }
  const onAbort = () => wake?.()
  // Listening begins before the first look: a change in between is not missed.
  context.changes.on('check', onCheck)
  signal.addEventListener('abort', onAbort)
  try {
    let last = ''
    while (!signal.aborted) {
      pending = false
      const check = await getCheck(context, caller, id)
      const text = JSON.stringify(check)
      yield text === last ? undefined : check
      last = text
      if (check.finishedAt !== undefined) return
      if (pending || signal.aborted) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_EVERY_MS)
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
