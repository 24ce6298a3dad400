import { type ObjectStore, overrideStore } from '@trainyard/platform'
import type { RunnerConfig } from '../config.ts'

/**
 * The store for trainers. Signed URLs at the runner's public URL, which a folder store issues, are moved to the URL at which
 * trainers reach the runner.
 */
export function storeForTrainers(
  store: ObjectStore,
  config: Pick<RunnerConfig, 'publicUrl' | 'callbackUrl'>,
): ObjectStore {
  const publicOrigin = new URL(config.publicUrl).origin
  const trainerOrigin = new URL(config.callbackUrl ?? config.publicUrl).origin
  if (publicOrigin === trainerOrigin) return store
  const move = <T extends { url: string }>(request: T): T => {
    const { origin, pathname, search } = new URL(request.url)
    return origin === publicOrigin ? { ...request, url: `${trainerOrigin}${pathname}${search}` } : request
  }
  return overrideStore(store, {
    signGet: async (...args) => move(await store.signGet(...args)),
    signPut: async (...args) => move(await store.signPut(...args)),
    signPart: async (...args) => move(await store.signPart(...args)),
  })
}
