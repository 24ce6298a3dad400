import { type ObjectStore, overrideStore } from '@trainyard/platform'
import type { RunnerConfig } from '../config.ts'

/**
 * The store as trainers see it. Where it is served under our own address, and trainers reach us under another one, its
 * signed URLs lead there too.
 */
export function storeForTrainers(
  store: ObjectStore,
  config: Pick<RunnerConfig, 'publicUrl' | 'callbackUrl'>,
): ObjectStore {
  const ours = new URL(config.publicUrl).origin
  const theirs = new URL(config.callbackUrl ?? config.publicUrl).origin
  if (ours === theirs) return store
  const move = <T extends { url: string }>(request: T): T => {
    const { origin, pathname, search } = new URL(request.url)
    return origin === ours ? { ...request, url: `${theirs}${pathname}${search}` } : request
  }
  return overrideStore(store, {
    signGet: async (...args) => move(await store.signGet(...args)),
    signPut: async (...args) => move(await store.signPut(...args)),
    signPart: async (...args) => move(await store.signPart(...args)),
  })
}
