import type Docker from 'dockerode'
import type { RegistryCredentials } from './config.ts'
import { pullImage } from './pull-image.ts'

export interface Pull {
  done: Promise<void>
  /** How far it is, for people. */
  detail: string
  /** One job less waits for it; the last one ends it. */
  leave(): void
}

/** Pulls in the background; jobs that wait for the same image share one pull. */
export function createPulls(docker: Docker, credentials: Readonly<Record<string, RegistryCredentials>>) {
  const running = new Map<string, Pull & { waiting: number }>()
  return {
    join(reference: string): Pull {
      const there = running.get(reference)
      if (there !== undefined) {
        there.waiting++
        return there
      }
      const abort = new AbortController()
      const pull = {
        waiting: 1,
        detail: 'the image is pulled',
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
