import { guardLookup, isPublicAddress } from '@trainyard/platform'

/** A host of a manifest must not lead to an internal address, whatever its DNS returns. */
export const lookupPublic = guardLookup(isPublicAddress, {
  refuse: (host) => new Error(`${host} has no public address`),
})
