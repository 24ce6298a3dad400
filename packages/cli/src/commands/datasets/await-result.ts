import { setTimeout as sleep } from 'node:timers/promises'
import type { CliIo } from '../../command-line/io.ts'

/** Between two questions whether the server has the result. */
const PAUSE_MS = 3000

/** Asks until the server has made a result, and shows that it is being made. */
export async function awaitResult<T>(
  ask: () => Promise<T | undefined>,
  { signal, what, isQuiet, io }: { signal: AbortSignal; what: string; isQuiet: boolean; io: CliIo },
): Promise<T> {
  let result = await ask()
  if (result === undefined && !isQuiet) io.stderr.write(`The server prepares ${what} …\n`)
  while (result === undefined) {
    await sleep(PAUSE_MS, undefined, { signal })
    result = await ask()
  }
  return result
}
