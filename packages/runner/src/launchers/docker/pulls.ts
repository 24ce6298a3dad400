import type { RegistryCredentials } from './config.ts'
import type { EngineClient } from './engine-client.ts'
import { pullImage } from './pull-image.ts'

export interface Pull {
  done: Promise<void>
  /** The progress, as text for users. */
  detail: string
  /** Stops waiting for it. The pull is aborted when no job waits for it any longer. */
  leave(): void
}

/** Pulls images in the background. Jobs that wait for the same image share one pull. */
export function createPulls(docker: EngineClient, credentials: Readonly<Record<string, RegistryCredentials>>) {
  const running = new Map<string, Pull & { waiting: number }>()
  return {
    join(reference: string): Pull {
      const current = running.get(reference)
      if (current !== undefined) {
        current.waiting++
        return current
      }
      const abort = new AbortController()
      const pull = {
        waiting: 1,
        detail: 'pulling the image',
        leave() {
          if (--pull.waiting === 0) abort.abort()
        },
        done: pullImage(docker, reference, {
          credentials,
          signal: abort.signal,
          onProgress: (detail) => {
            pull.detail = detail
          },
        }).finally(() => running.delete(reference)),
      }
      pull.done.catch(() => {})
      running.set(reference, pull)
      return pull
    },
  }
}
