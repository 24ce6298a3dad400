import { watch } from 'node:fs'
import { IGNORED_FOLDERS } from '../trainer-folder.ts'

/** Editors write a file in several steps. */
const SETTLE_MS = 200

/** Calls `run` now and after each change in a folder, never twice at once, until the signal aborts. */
export async function watchFolder(dir: string, run: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let changed = Promise.withResolvers<void>()
  const watcher = watch(dir, { recursive: true }, (_, file) => {
    const isOurs = file?.split(/[\\/]/).some((part) => IGNORED_FOLDERS.has(part))
    if (isOurs !== true) changed.resolve()
  })
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers()
      await run()
      await Promise.race([changed.promise, stopped])
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    }
  } finally {
    watcher.close()
  }
}
