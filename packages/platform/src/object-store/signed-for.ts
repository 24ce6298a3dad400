import type { Bearer, ObjectStore } from './object-store.ts'
import { overrideStore } from './override-store.ts'

/**
 * The same store. Where the servers themselves serve the signed URLs, they work only while the bearer is valid, so that they end with
 * the token for which they were made. Those of S3 work until they expire.
 */
export function signedFor(store: ObjectStore, bearer: Bearer): ObjectStore {
  return overrideStore(store, {
    signGet: (key, options) => store.signGet(key, { ...options, bearer }),
    signPut: (key, options) => store.signPut(key, { ...options, bearer }),
    signPart: (key, uploadId, options) => store.signPart(key, uploadId, { ...options, bearer }),
  })
}
